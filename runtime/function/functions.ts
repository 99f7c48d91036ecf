import { type Digest, describeExport, type FunctionInfo, type FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { StoredComponent } from '../cloudlet-parts.ts';
import { type ComponentCompiler, readStackMap, type StackMap } from '../component/index.ts';
import type { HostPolicy } from '../grant/index.ts';
import type { Stores } from '../outside/stores.ts';
import {
  type Arrivals,
  describeManifest,
  type FunctionDescription,
  formatDescription,
  importsWithoutGrant,
  parseDescription,
} from '../provision/index.ts';
import type { SandboxPool } from '../sandbox/index.ts';
import type { DataDir, RegisteredFunction, RegisteredVersion } from '../store/index.ts';
import type { FunctionUses } from '../use/function-uses.ts';
import { type FunctionVersion, functionVersion, type VersionOutside, versionId } from './function-version.ts';
import { StackMaps } from './mapped-lines.ts';
import type { Publishers } from './publishers.ts';
import { versionBytes } from './version-bytes.ts';
import { type VersionGrant, VersionGrants } from './version-grant.ts';

/** What listing and finding functions needs. */
export interface FunctionParts {
  readonly data: DataDir;
  readonly compiler: ComponentCompiler;
  readonly policy: HostPolicy;
  readonly publishers: Pick<Publishers, 'of'>;
  readonly pool: SandboxPool;
  readonly outside: VersionOutside;
  readonly stores: Stores;
  readonly uses: FunctionUses;
  readonly arrivals: Arrivals;
}

/** The published functions as callers and the pool see them. */
export class Functions {
  readonly #parts: FunctionParts;
  readonly #grants: VersionGrants;
  readonly #stackMaps = new StackMaps();
  /** Of what the registry remembers as current, which is another object after each change: every call asks for one. */
  readonly #callable = new WeakMap<RegisteredVersion, FunctionVersion>();

  constructor(parts: FunctionParts) {
    this.#parts = parts;
    this.#grants = new VersionGrants(parts.policy);
  }

  /** All, by name. */
  list(): Promise<FunctionInfo[]> {
    return Promise.all(this.#parts.data.registry.list().map((registered) => this.#info(registered)));
  }

  /** One, with its versions; `function-unknown` when there is none. */
  info(name: FunctionName): Promise<FunctionInfo> {
    return this.#info(this.#parts.data.registry.get(name));
  }

  /** The current version; `function-unknown` when there is none. */
  async current(name: FunctionName): Promise<FunctionVersion> {
    return this.callable(name, this.#parts.data.registry.version(name));
  }

  /** A version that was made ready to be called before. */
  madeCallable(registered: RegisteredVersion): FunctionVersion | undefined {
    return this.#callable.get(registered);
  }

  /** A version, ready to be called. */
  async callable(name: FunctionName, registered: RegisteredVersion): Promise<FunctionVersion> {
    const known = this.madeCallable(registered);
    if (known !== undefined) return known;
    const description = await this.#describe(name, registered);
    const made = functionVersion(this.#parts, name, registered, description, this.#grantOf(name, registered));
    this.#callable.set(registered, made);
    return made;
  }

  /** What is known of a version's component, what it is given, and what it came in. */
  async described(
    name: FunctionName,
    registered: RegisteredVersion,
  ): Promise<VersionGrant & { readonly description: FunctionDescription }> {
    return { ...this.#grantOf(name, registered), description: await this.#describe(name, registered) };
  }

  /** The component of a version (default: the current one), also of one that came in a package. */
  component(name: FunctionName, version?: number): { readonly version: number; readonly digest: Digest } {
    const registered = this.#parts.data.registry.version(name, version);
    const { stored } = this.#grantOf(name, registered);
    return { version: registered.version, digest: stored?.component.digest ?? registered.digest };
  }

  /** The stored bytes of a version (default: the current one). */
  async open(name: FunctionName, version?: number): Promise<StoredComponent> {
    const found = this.component(name, version);
    return { ...found, ...(await versionBytes(name, this.#parts.data.blobs.open(found.digest))) };
  }

  /** What tells the author's own positions in stacks of a version, or null. */
  async stackMap(name: FunctionName, version: number): Promise<StackMap | null> {
    const known = this.#parts.data.registry.findVersion(name, version);
    if (known === undefined) return null;
    const { digest } = this.component(name, version);
    return this.#stackMaps.of(digest, async () => readStackMap(await this.#parts.data.blobs.read(digest)));
  }

  /** Ids under which the pool may know versions of a function. */
  versionIds(name: FunctionName): string[] {
    return this.#parts.data.registry.get(name).versions.map((version) => versionId(name, version));
  }

  async #info({ name, current, versions }: RegisteredFunction): Promise<FunctionInfo> {
    const registered = versions.find(({ version }) => version === current)!;
    const { doors, imports, functions } = await this.#describe(name, registered);
    const { grant, reduced, stored } = this.#grantOf(name, registered);
    const use = this.#parts.uses.info(name, versionId(name, registered), grant);
    const split = this.#parts.data.registry.traffic.split(name);
    return {
      name,
      version: current,
      digest: registered.digest,
      sizeBytes: registered.sizeBytes,
      ...this.#parts.pool.state(versionId(name, registered)),
      doors: [...doors],
      exports: functions.map(describeExport),
      imports: [...imports],
      grant,
      stores: this.#parts.stores.usage(name),
      reduced: [...reduced],
      ungranted: importsWithoutGrant(imports, grant),
      secretsSet: [...this.#parts.data.secrets.of(name).keys()],
      ...(use === undefined ? {} : { use }),
      ...(stored === null ? {} : { component: stored.component.digest }),
      publisher: this.#parts.publishers.of(name, registered.digest),
      ...(split === null ? {} : { split }),
      versions: versions.map(({ description: _, package: __, ...version }) => version),
    };
  }

  #grantOf(name: FunctionName, registered: RegisteredVersion): VersionGrant {
    return this.#grants.of(versionId(name, registered), registered);
  }

  /** What is known of a version's component. A description of another format is made again and kept. */
  async #describe(name: FunctionName, { version, description }: RegisteredVersion): Promise<FunctionDescription> {
    const known = parseDescription(description);
    if (known !== undefined) return known;
    const { data, compiler } = this.#parts;
    const { digest } = this.component(name, version);
    const { manifest } = await compiler.compile(() => versionBytes(name, data.blobs.read(digest)), digest);
    const made = describeManifest(manifest);
    data.registry.describe(name, version, formatDescription(made));
    return made;
  }
}
