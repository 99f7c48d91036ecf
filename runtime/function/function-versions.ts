import {
  CloudletError,
  compareVersions,
  type DescribedVersion,
  describeExport,
  type FunctionName,
  type TrafficSplit,
  type VersionDiff,
  type VersionFile,
  type VersionList,
} from '../../guest-sdk/protocol/index.ts';
import { filesInPackage } from '../provision/index.ts';
import type { SandboxPool } from '../sandbox/index.ts';
import { type DataDir, pickVersion, rollbackTarget } from '../store/index.ts';
import { versionId } from './function-version.ts';
import type { Functions } from './functions.ts';
import type { Publishers } from './publishers.ts';
import type { Retention } from './retention.ts';

/** What versions are looked at, compared and shared out with. */
export interface VersionsWorld {
  readonly data: DataDir;
  readonly pool: Pick<SandboxPool, 'prewarm' | 'state'>;
  readonly functions: Functions;
  readonly publishers: Pick<Publishers, 'of' | 'check'>;
  readonly retention: Retention;
  /** Calls may go to other versions now. */
  readonly changed: (name: FunctionName) => void;
  /** Keeps the cloudlet open while something goes on. */
  readonly tracked: (work: Promise<unknown>) => void;
}

/** The versions of functions: which there are, what differs, which of them calls go to, how many are kept. */
export class FunctionVersions {
  readonly #world: VersionsWorld;

  constructor(world: VersionsWorld) {
    this.#world = world;
  }

  /** All of a function, newest first; `function-unknown` when there is none. */
  list(name: FunctionName): VersionList {
    const { data, pool, retention, publishers } = this.#world;
    const { current, versions } = data.registry.get(name);
    const split = data.registry.traffic.split(name);
    const percent = (version: number): number => {
      if (split === null) return version === current ? 100 : 0;
      return split.versions.find((each) => each.version === version)?.percent ?? 0;
    };
    const listed = versions.map((each) => ({
      ...{ version: each.version, digest: each.digest, sizeBytes: each.sizeBytes, publishedAt: each.publishedAt },
      ...{ current: each.version === current, percent: percent(each.version) },
      state: pool.state(versionId(name, each)).state,
      publisher: publishers.of(name, each.digest),
    }));
    return { name, versions: listed.reverse(), split, retain: retention.limitOf(name) };
  }

  /** All that is compared of a version (default: the current one). */
  async describe(name: FunctionName, version?: number): Promise<DescribedVersion & { readonly version: number }> {
    const { data, functions } = this.#world;
    const registered = data.registry.version(name, version);
    const { description, grant, stored } = await functions.described(name, registered);
    const files: VersionFile[] = stored === null ? [] : await filesInPackage(data.blobs, stored.layers);
    return {
      version: registered.version,
      ...{ digest: registered.digest, sizeBytes: registered.sizeBytes },
      doors: [...description.doors],
      exports: description.functions.map(describeExport),
      ...{ imports: [...description.imports], grant, files },
    };
  }

  /** What differs from one version to another; left out: from the one before the current, to the current. */
  async diff(name: FunctionName, from?: number, to?: number): Promise<VersionDiff> {
    const found = this.#world.data.registry.get(name);
    const after = to ?? found.current;
    const before = from ?? rollbackTarget({ ...found, current: after }).version;
    const [one, two] = await Promise.all([this.describe(name, before), this.describe(name, after)]);
    return compareVersions({ name, from: one.version, to: two.version }, one, two);
  }

  /** Shares calls out among versions, from the next on; null: all to the current one. Each gets a sandbox before it is asked. */
  share(name: FunctionName, split: TrafficSplit | null): VersionList {
    const { data, changed, publishers } = this.#world;
    const { versions } = data.registry.get(name);
    for (const { version } of split?.versions ?? [])
      publishers.check(name, pickVersion(name, versions, version).digest);
    data.registry.traffic.share(name, split);
    changed(name);
    this.#prepare(name);
    return this.list(name);
  }

  /** Says how many versions of a function are kept (null: as many as the host keeps of any); more go at once. */
  retain(name: FunctionName, versions: number | null): VersionList {
    const { data, retention } = this.#world;
    data.registry.get(name);
    data.registry.traffic.retainVersions(name, versions);
    retention.sweep(name);
    return this.list(name);
  }

  /** Removes a version with what was kept for it; `conflict` when calls go to it. */
  async remove(name: FunctionName, version: number): Promise<void> {
    const { data, retention } = this.#world;
    const { current, versions } = data.registry.get(name);
    pickVersion(name, versions, version);
    const split = data.registry.traffic.split(name);
    const refuse = (why: string, remedy: string) =>
      new CloudletError('conflict', `expected a version of "${name}" that no call goes to, ${why}; ${remedy}`);
    if (split?.versions.some((each) => each.version === version))
      throw refuse(
        `${version} has a share of them`,
        `share them out without it first: npx cloudlet split ${name} --off, or among others`,
      );
    if (version === current)
      throw refuse(
        `${version} is the current one`,
        versions.length === 1
          ? `remove the function: npx cloudlet rm ${name}`
          : `go to another first: npx cloudlet rollback ${name} VERSION`,
      );
    if (!(await retention.remove(name, version)))
      throw refuse(`${version} still has some that run`, 'try again when they have ended');
  }

  /** A sandbox, and in time a snapshot, for each version that calls go to. */
  #prepare(name: FunctionName): void {
    const { data, functions, pool, tracked } = this.#world;
    for (const { version } of data.registry.traffic.split(name)?.versions ?? []) {
      const warming = functions
        .callable(name, data.registry.version(name, version))
        .then(({ loaded }) => pool.prewarm(loaded));
      // It is gone meanwhile, or the cloudlet closes: then there is nothing to start.
      tracked(warming.catch(() => {}));
    }
  }
}
