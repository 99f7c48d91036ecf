import type { Digest } from '../../guest-sdk/protocol/index.ts';
import type { ComponentCompiler } from '../component/index.ts';
import type { DataDir } from '../store/index.ts';

/** What is translated with. */
interface TranslationParts {
  readonly data: Pick<DataDir, 'blobs'>;
  readonly compiler: Pick<ComponentCompiler, 'compile'>;
}

/** The component of a package, translated while the package's data still comes: whoever asks for it next finds it done, or waits for it. */
export class TranslatedAhead {
  readonly #parts: TranslationParts;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #going: Promise<unknown> | null = null;

  constructor(parts: TranslationParts, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  /** A blob that is WebAssembly is here. A package has one such; of others none is begun. */
  readonly begin = (component: Digest): void => {
    const { data, compiler } = this.#parts;
    this.#going ??= compiler
      .compile(() => data.blobs.read(component), component, this.#signal)
      .catch(() => {
        // The walk translates it again, and tells what is wrong with it.
      });
  };

  /** Ends what goes on: the package is refused, or did not come whole. */
  async giveUp(): Promise<void> {
    this.#stop.abort();
    await this.#going;
  }
}
