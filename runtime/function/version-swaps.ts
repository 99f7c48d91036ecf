import { CloudletError, type FunctionName, type Published } from '../../guest-sdk/protocol/index.ts';
import type { SandboxPool } from '../sandbox/index.ts';
import type { DataDir } from '../store/index.ts';
import type { FunctionVersion } from './function-version.ts';
import type { Functions } from './functions.ts';

/** What a swap of versions needs of the cloudlet around it. */
export interface SwapParts {
  readonly functions: Pick<Functions, 'current'>;
  readonly pool: Pick<SandboxPool, 'state'>;
  readonly registry: Pick<DataDir['registry'], 'rollback'>;
}

/** A version that was published, and when it can answer or has failed to. */
export interface Registered {
  readonly published: Published;
  readonly loaded: Promise<void>;
}

/** Versions that serve in place of current ones that are being loaded: calls go to a new version only once it can answer. */
export class VersionSwaps {
  readonly #parts: SwapParts;
  readonly #serving = new Map<FunctionName, FunctionVersion>();

  constructor(parts: SwapParts) {
    this.#parts = parts;
  }

  /** The version that serves in place of the current one; undefined when none does. */
  serving(name: FunctionName): FunctionVersion | undefined {
    return this.#serving.get(name);
  }

  /** A function is removed: nothing serves in its place. */
  forget(name: FunctionName): void {
    this.#serving.delete(name);
  }

  /**
   * Publishes by `publish` and resolves when calls go to what it published. Until that is loaded the version before serves; when it cannot
   * be loaded that one is the current one again, and this rejects with `component-refused`.
   */
  async swap(name: FunctionName, publish: () => Promise<Registered>): Promise<Published> {
    const { functions, pool, registry } = this.#parts;
    const before = await functions.current(name).catch(() => null);
    if (before !== null) this.#serving.set(name, before);
    try {
      const { published, loaded } = await publish();
      await loaded;
      const version = await functions.current(name);
      const { state, reason = '' } = pool.state(version.loaded.id);
      if (state !== 'failed') return published;
      if (before !== null) registry.rollback(name, before.version);
      throw new CloudletError('component-refused', `version ${version.version} cannot be loaded: ${reason}`);
    } finally {
      this.#serving.delete(name);
    }
  }
}
