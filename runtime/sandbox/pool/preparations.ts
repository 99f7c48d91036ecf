import type { Clock } from '../clock.ts';
import type { LoadedVersion } from '../loaded-version.ts';
import type { SandboxSource } from '../sandbox-source.ts';
import type { PoolObserver } from './pool-observer.ts';

/** After how long what was prepared once may be prepared again: it was given up for others, or could not be made then. */
const AGAIN_MS = 60_000;

/** What preparing needs of the pool around it. */
export interface PreparationOptions {
  readonly source: Pick<SandboxSource, 'prepare' | 'forget'>;
  readonly clock: Clock;
  readonly observer: PoolObserver;
  readonly signal: AbortSignal;
}

interface Wish {
  readonly version: LoadedVersion;
  readonly ended: AbortSignal;
}

/** Makes later starts of versions cheaper, one at a time, when the pool has nothing better to do. */
export class Preparations {
  readonly #options: PreparationOptions;
  readonly #wishes = new Map<string, Wish>();
  /** When preparing each version was last tried, by the clock. */
  readonly #triedAt = new Map<string, number>();
  /** Versions that have a snapshot, as far as is known. */
  readonly #prepared = new Set<string>();
  #going: Promise<void> | null = null;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** A start of this version was dearer than need be. `ended` aborts when the version is let go. */
  want(version: LoadedVersion, ended: AbortSignal): void {
    const at = this.#triedAt.get(version.id);
    if (at !== undefined && this.#options.clock.now() - at < AGAIN_MS) return;
    this.#wishes.set(version.id, { version, ended });
  }

  /** Begins the next unless one goes on; resolves with its version when it has ended, null when there is nothing to begin. Never rejects. */
  next(): Promise<string> | null {
    if (this.#going !== null) return null;
    const [wish] = this.#wishes.values();
    if (wish === undefined) return null;
    this.#wishes.delete(wish.version.id);
    const going = this.#prepare(wish).finally(() => {
      this.#going = null;
    });
    this.#going = going;
    return going.then(() => wish.version.id);
  }

  /** Whether a version was prepared. */
  has(versionId: string): boolean {
    return this.#prepared.has(versionId);
  }

  /** The version was let go: what was kept for it goes too. Never rejects. */
  async forget(versionId: string): Promise<void> {
    const { source, observer } = this.#options;
    this.#wishes.delete(versionId);
    this.#triedAt.delete(versionId);
    this.#prepared.delete(versionId);
    // What is being made for it must not come after its removal.
    await this.#going;
    await source.forget(versionId).catch((error: Error) => {
      observer.troubled?.({
        version: versionId,
        reason: `what was kept for it could not be removed: ${error.message}`,
      });
    });
  }

  async #prepare({ version, ended }: Wish): Promise<void> {
    const { source, clock, observer, signal } = this.#options;
    const beganAt = clock.now();
    try {
      const made = await source.prepare(version, AbortSignal.any([signal, ended]));
      if (signal.aborted || ended.aborted) return;
      this.#triedAt.set(version.id, clock.now());
      if (!made || this.#prepared.has(version.id)) return;
      this.#prepared.add(version.id);
      observer.prepared?.({ version: version.id, ms: clock.now() - beganAt });
    } catch (error) {
      if (signal.aborted || ended.aborted) return;
      this.#triedAt.set(version.id, clock.now());
      observer.troubled?.({
        version: version.id,
        reason: `its snapshot could not be made: ${(error as Error).message}`,
      });
    }
  }
}
