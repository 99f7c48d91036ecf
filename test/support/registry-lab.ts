/**
 * The registry of a cloudlet behind the routes of a host, without sandboxes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  digestOf,
  type GrantRequest,
  joinPieces,
  parseName,
  type TarFile,
  type WrittenPackage,
  writePackage,
} from '../../guest-sdk/protocol/index.ts';
import { ComponentCompiler } from '../../runtime/component/index.ts';
import { Distribution } from '../../runtime/distribution/index.ts';
import { Publishers } from '../../runtime/function/publishers.ts';
import { type FunctionPublishers, hostPolicy, type PolicyFile } from '../../runtime/grant/index.ts';
import { publishComponent, publishReceived } from '../../runtime/provision/index.ts';
import { RegistryPulls, type RegistryPullsParts } from '../../runtime/provision/registry/registry-pulls.ts';
import { DataDir } from '../../runtime/store/index.ts';
import { AS_OWNER, testHost } from '../host/memory-engine.ts';
import { wat } from './wat.ts';

/** Translations are the same for every test. */
const CACHE = join(tmpdir(), 'cloudlet-registry-lab');

/** The smallest component that a cloudlet takes. */
export const COMPONENT = await wat(`(component
  (core module $m (func (export "one") (result i32) i32.const 1))
  (core instance $i (instantiate $m))
  (func (export "one") (result u32) (canon lift (core func $i "one"))))`);

/** What a test may want otherwise. */
export interface RegistryLabOptions {
  readonly publishers?: FunctionPublishers;
  readonly anonymousPull?: boolean;
  readonly packageBytes?: number;
}

/** A registry with a data directory of its own. */
export class RegistryLab {
  readonly data: DataDir;
  readonly distribution: Distribution;
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** As `ask`, by nobody. */
  readonly askAnonymously: (path: string, init?: RequestInit) => Promise<Response>;
  /** Whose functions the policy takes; a test may change it. */
  publishers: FunctionPublishers;
  /** Milliseconds that the registry believes have passed. */
  now = 0;
  readonly #directory: string;
  readonly #compiler = new ComponentCompiler({ cacheDir: CACHE });

  private constructor(directory: string, data: DataDir, options: RegistryLabOptions) {
    this.#directory = directory;
    this.data = data;
    const limits = { componentBytes: 1024 * 1024, packageBytes: options.packageBytes ?? 4 * 1024 * 1024 };
    this.publishers = options.publishers ?? 'anyone';
    this.distribution = new Distribution({
      data,
      limits,
      signed: (name, digest) => new Publishers(data, this.publishers).signed(name, digest),
      publish: (name, received, more) => publishReceived(this.#parts, name, received, more),
      removeVersion: async (name, version) => data.registry.removeVersion(name, version),
      now: () => this.now,
    });
    const { app, engine, parts } = testHost();
    engine.distribution = this.distribution;
    (parts.trust as { anonymousPull: boolean }).anonymousPull = options.anonymousPull ?? false;
    this.askAnonymously = async (path, init = {}) => await app.request(path, { ...init, ...streaming(init) });
    this.ask = (path, init = {}) =>
      this.askAnonymously(path, { ...init, headers: { ...AS_OWNER, ...(init.headers as Record<string, string>) } });
  }

  static async open(options: RegistryLabOptions = {}): Promise<RegistryLab> {
    const directory = await mkdtemp(join(tmpdir(), 'cloudlet-registry-'));
    return new RegistryLab(directory, await DataDir.open(join(directory, 'data')), options);
  }

  /** Publishes bytes as the function route does. */
  async publish(name: string, bytes: Uint8Array) {
    const body = async function* () {
      yield bytes;
    };
    return await publishComponent(this.#parts, parseName(name), body());
  }

  /** What pulls from other registries, as a policy lets it. */
  pulls(policy: PolicyFile, more: Pick<RegistryPullsParts, 'world' | 'wait'> = {}): RegistryPulls {
    const directory = join(this.data.path, 'pulls');
    return new RegistryPulls({ publish: this.#parts, directory, rules: hostPolicy({}, policy), ...more });
  }

  /** Uploads a blob in one request. */
  async upload(name: string, bytes: Uint8Array): Promise<Response> {
    const digest = await digestOf(bytes);
    return this.ask(`/v2/${name}/blobs/uploads/?digest=${digest}`, { method: 'POST', body: bytes as BodyInit });
  }

  /** Puts a manifest. */
  put(name: string, reference: string, manifest: Uint8Array | string, type = MANIFEST): Promise<Response> {
    const headers = { 'content-type': type };
    return this.ask(`/v2/${name}/manifests/${reference}`, { method: 'PUT', headers, body: manifest as BodyInit });
  }

  /** Pushes a package as tools do: its blobs, then its manifest. */
  async push(name: string, reference: string, { blobs, manifest, digest }: WrittenPackage): Promise<Response> {
    for (const [each, bytes] of blobs) if (each !== digest) await this.upload(name, bytes);
    return await this.put(name, reference, manifest);
  }

  async close(): Promise<void> {
    await this.distribution.close();
    await this.#compiler.close();
    this.data.close();
    await rm(this.#directory, { recursive: true });
  }

  get #parts() {
    const policy = hostPolicy({}, { functions: { publishers: this.publishers as 'anyone' } });
    return {
      data: this.data,
      compiler: this.#compiler,
      limitBytes: 1024 * 1024,
      packageBytes: 4 * 1024 * 1024,
      policy,
    };
  }
}

/** Media type of every manifest here. */
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** A package around the smallest component; `sign` as in `writePackage`. */
export function packageOf(
  grant: GrantRequest = {},
  files: readonly TarFile[] = [],
  sign?: (manifest: Uint8Array) => Promise<string>,
): Promise<WrittenPackage> {
  return writePackage({ component: COMPONENT, grant, files, ...(sign === undefined ? {} : { sign }) });
}

/** The bytes of a package as they travel. */
export function tarOfPackage({ pieces }: WrittenPackage): Uint8Array {
  return joinPieces(pieces);
}

function streaming({ body }: RequestInit): { readonly duplex?: 'half' } {
  return body instanceof ReadableStream ? { duplex: 'half' } : {};
}
