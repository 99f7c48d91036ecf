import { stat } from 'node:fs/promises';
import { type DigestOptions, sparseDigest } from '../../machine/index.ts';
import { stampsOf } from './verify-image.ts';

/** What a file of a draft is, as its manifest will say it, and as what it was read. */
export interface SettledFile {
  readonly bytes: number;
  readonly digest: string;
  readonly stamp: string;
}

/** Files of a draft that nobody writes any more, read while others are still written. */
export class SettledFiles {
  readonly #files = new Map<string, Promise<SettledFile>>();

  /** Begins to read a file, of which only what it differs by from another when that is known; what goes wrong is told by `of`. */
  settle(path: string, signal?: AbortSignal, options?: DigestOptions): void {
    if (this.#files.has(path)) return;
    const settled = readFileOnce(path, signal, options);
    settled.catch(() => undefined);
    this.#files.set(path, settled);
  }

  /** What a file is, settled or not. */
  of(path: string, signal?: AbortSignal, options?: DigestOptions): Promise<SettledFile> {
    return this.#files.get(path) ?? readFileOnce(path, signal, options);
  }

  /** Resolves when nothing is read any more. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#files.values());
  }
}

async function readFileOnce(path: string, signal?: AbortSignal, options?: DigestOptions): Promise<SettledFile> {
  // Before the bytes are read: what changes meanwhile is seen when the image is looked for.
  const [stamp] = await stampsOf([path]);
  const { size: bytes } = await stat(path);
  return { bytes, digest: await sparseDigest(path, signal, options), stamp: stamp! };
}
