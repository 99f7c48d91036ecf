import { CloudletError, type ErrorCode, type FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { SandboxPool } from '../sandbox/index.ts';
import { abortError, type DataDir } from '../store/index.ts';
import { versionId } from './function-version.ts';
import type { Functions } from './functions.ts';

/** What trials of versions need of the cloudlet around them. */
export interface TrialParts {
  readonly functions: Pick<Functions, 'callable'>;
  readonly pool: Pick<SandboxPool, 'tryOut' | 'drop'>;
  readonly registry: Pick<DataDir['registry'], 'get' | 'version' | 'removeVersion'>;
  /** Removes a function that has no other version. */
  readonly remove: (name: FunctionName) => Promise<void>;
}

/** Versions that are loaded before calls go to them; those that cannot be are gone again. */
export class VersionTrials {
  readonly #parts: TrialParts;
  readonly #running = new Map<FunctionName, Set<number>>();

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  /** The versions of a function that are tried now: no call goes to them yet, and nobody else may remove them. */
  of(name: FunctionName): ReadonlySet<number> {
    return this.#running.get(name) ?? NONE;
  }

  /** Loads a version and calls `promote`. When either fails, or `signal` fires, the version is removed and this rejects. */
  async run(name: FunctionName, version: number, promote: () => void, signal?: AbortSignal): Promise<void> {
    const running = this.#running.get(name) ?? new Set();
    this.#running.set(name, running.add(version));
    let isGood = false;
    try {
      await this.check(name, version, signal);
      promote();
      isGood = true;
    } finally {
      running.delete(version);
      if (running.size === 0) this.#running.delete(name);
      if (!isGood) await this.#withdraw(name, version);
    }
  }

  /** Loads a version and makes an instance of it; `component-refused` when that fails. */
  async check(name: FunctionName, version: number, signal?: AbortSignal): Promise<void> {
    const { functions, pool, registry } = this.#parts;
    const { loaded } = await functions.callable(name, registry.version(name, version));
    try {
      await pool.tryOut(loaded, signal);
    } catch (error) {
      if (signal?.aborted === true) throw abortError(signal);
      if (error instanceof CloudletError && NOT_ITS_FAULT.has(error.code)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new CloudletError('component-refused', `version ${version} cannot be loaded: ${reason}`, { cause: error });
    }
  }

  async #withdraw(name: FunctionName, version: number): Promise<void> {
    const { pool, registry, remove } = this.#parts;
    try {
      const { versions } = registry.get(name);
      const found = versions.find((each) => each.version === version);
      if (found === undefined) return;
      if (versions.length === 1) return await remove(name);
      registry.removeVersion(name, version);
      pool.drop(versionId(name, found));
    } catch (error) {
      // Somebody removed the function, or sent calls to the version: theirs to keep.
      if (error instanceof CloudletError && /^(function-unknown|conflict)$/.test(error.code)) return;
      throw error;
    }
  }
}

const NONE: ReadonlySet<number> = new Set();

/** Why a version may not be loaded although nothing is wrong with it. */
const NOT_ITS_FAULT: ReadonlySet<ErrorCode> = new Set(['at-capacity', 'starting', 'draining', 'version-unknown']);
