import type { Digest, FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { RegisteredFunction, RegisteredVersion, Registry } from '../store/index.ts';
import { parseVersionId, versionId } from './function-version.ts';
import { VersionUses } from './version-uses.ts';

/** What versions are removed with. */
export interface RetentionWorld {
  readonly registry: Pick<Registry, 'arriving' | 'find' | 'traffic' | 'removeVersion'>;
  /** Versions of each function that are kept when nobody said otherwise. */
  readonly versions: number;
  /** Versions that are loaded before calls go to them. */
  readonly onTrial: (name: FunctionName) => ReadonlySet<number>;
  /** Ends the sandboxes of a version, and lets go what was kept for it. */
  readonly drop: (id: string) => void;
  /** Removes bytes that no version has any more, and gives their digests. */
  readonly collectGarbage: () => Promise<readonly Digest[]>;
  readonly forget: (digest: Digest) => Promise<void>;
  /** Keeps the cloudlet open while something goes on. */
  readonly tracked: (work: Promise<unknown>) => void;
  /** Old versions could not be removed. */
  readonly failed: (error: unknown) => void;
}

/** Removes the oldest versions of functions that have more than are kept. None to which a call goes, or in which one still runs. */
export class Retention {
  /** Which versions have invocations that wait or run. */
  readonly uses: VersionUses;
  readonly #world: RetentionWorld;

  constructor(world: RetentionWorld) {
    this.#world = world;
    this.uses = new VersionUses((id) => this.sweep(parseVersionId(id).name));
  }

  /** How many versions of a function are kept. */
  limitOf(name: FunctionName): number {
    return this.#world.registry.traffic.counts(name).retain ?? this.#world.versions;
  }

  /** Removes what is too much now. What is in use goes when its last invocation has ended. */
  sweep(name: FunctionName): void {
    const { registry, tracked, failed } = this.#world;
    // Nearly always, and without a look into the file: whenever nothing runs in a version any more, it is asked.
    if (registry.traffic.counts(name).versions <= this.limitOf(name)) return;
    const found = registry.find(name);
    if (found === undefined) return;
    // Until all of it is here, it may be taken back for the one before.
    if (registry.arriving.has(name, found.current)) return;
    const surplus = surplusVersions(found, this.limitOf(name), this.#shared(name));
    const idle = surplus.filter((version) => !this.uses.has(versionId(name, version)));
    if (idle.length > 0) tracked(this.#remove(name, idle).catch(failed));
  }

  /** Removes one version; false when it is in use or on trial. */
  async remove(name: FunctionName, version: number): Promise<boolean> {
    const found = this.#world.registry.find(name)?.versions.find((each) => each.version === version);
    if (found === undefined) return true;
    if (this.uses.has(versionId(name, found)) || this.#world.onTrial(name).has(version)) return false;
    await this.#remove(name, [found]);
    return true;
  }

  #shared(name: FunctionName): ReadonlySet<number> {
    const { registry, onTrial } = this.#world;
    const shares = registry.traffic.split(name)?.versions.map(({ version }) => version) ?? [];
    return new Set([...shares, ...onTrial(name)]);
  }

  async #remove(name: FunctionName, versions: readonly RegisteredVersion[]): Promise<void> {
    const { registry, drop, collectGarbage, forget } = this.#world;
    // In one turn: nobody can be sent to a version between the look and its removal.
    for (const version of versions) {
      registry.removeVersion(name, version.version);
      drop(versionId(name, version));
    }
    for (const digest of await collectGarbage()) await forget(digest);
  }
}

/** The oldest versions beyond `most`; neither the current one nor those in `shared`, which count among what is kept. */
export function surplusVersions(
  { current, versions }: Pick<RegisteredFunction, 'current' | 'versions'>,
  most: number,
  shared: ReadonlySet<number>,
): RegisteredVersion[] {
  const isServing = ({ version }: RegisteredVersion) => version === current || shared.has(version);
  const idle = versions.filter((version) => !isServing(version));
  const kept = Math.max(0, most - (versions.length - idle.length));
  return idle.slice(0, Math.max(0, idle.length - kept));
}
