import { describeExport, type FunctionInfo, type FunctionName, type Grant } from '../../guest-sdk/protocol/index.ts';
import type { ComponentCompiler } from '../component/index.ts';
import type { Stores } from '../outside/stores.ts';
import { describeManifest, type FunctionDescription, formatDescription, parseDescription } from '../provision/index.ts';
import type { SandboxPool } from '../sandbox/index.ts';
import type { DataDir, RegisteredFunction, RegisteredVersion } from '../store/index.ts';
import { type FunctionVersion, functionVersion, type VersionOutside, versionId } from './function-version.ts';

/** What listing and finding functions needs. */
export interface FunctionParts {
  readonly data: DataDir;
  readonly compiler: ComponentCompiler;
  readonly grant: Grant;
  readonly pool: SandboxPool;
  readonly outside: VersionOutside;
  readonly stores: Stores;
}

/** The published functions as callers and the pool see them. */
export class Functions {
  readonly #parts: FunctionParts;

  constructor(parts: FunctionParts) {
    this.#parts = parts;
  }

  /** All, by name. */
  list(): Promise<FunctionInfo[]> {
    return Promise.all(this.#parts.data.registry.list().map((registered) => this.#info(registered)));
  }

  /** One, with its versions; `function-unknown` when there is none. */
  info(name: FunctionName): Promise<FunctionInfo> {
    return this.#info(this.#parts.data.registry.get(name));
  }

  /** The version that calls go to; `function-unknown` when there is none. */
  async current(name: FunctionName): Promise<FunctionVersion> {
    const { data, compiler, grant, outside, stores } = this.#parts;
    const registered = data.registry.version(name);
    return functionVersion(
      { blobs: data.blobs, compiler, grant, outside, stores },
      name,
      registered,
      await this.#describe(name, registered),
    );
  }

  /** Ids under which the pool may know versions of a function. */
  versionIds(name: FunctionName): string[] {
    return this.#parts.data.registry.get(name).versions.map((version) => versionId(name, version));
  }

  async #info({ name, current, versions }: RegisteredFunction): Promise<FunctionInfo> {
    const registered = versions.find(({ version }) => version === current)!;
    const { doors, imports, functions } = await this.#describe(name, registered);
    return {
      name,
      version: current,
      digest: registered.digest,
      sizeBytes: registered.sizeBytes,
      ...this.#parts.pool.state(versionId(name, registered)),
      doors: [...doors],
      exports: functions.map(describeExport),
      imports: [...imports],
      grant: this.#parts.grant,
      stores: this.#parts.stores.usage(name),
      versions: versions.map(({ description: _, ...version }) => version),
    };
  }

  /** What is known of a version's component. A description of another format is made again and kept. */
  async #describe(
    name: FunctionName,
    { version, digest, description }: RegisteredVersion,
  ): Promise<FunctionDescription> {
    const known = parseDescription(description);
    if (known !== undefined) return known;
    const { data, compiler } = this.#parts;
    const { manifest } = await compiler.compile(() => data.blobs.read(digest), digest);
    const made = describeManifest(manifest);
    data.registry.describe(name, version, formatDescription(made));
    return made;
  }
}
