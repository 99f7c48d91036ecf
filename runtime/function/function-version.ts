import {
  CloudletError,
  type Digest,
  type FunctionName,
  type Grant,
  type Limits,
  secretsUsed,
} from '../../guest-sdk/protocol/index.ts';
import type { ComponentCompiler } from '../component/index.ts';
import { missingSecrets } from '../grant/index.ts';
import type { OutsideServices } from '../outside/outside-service.ts';
import type { Stores } from '../outside/stores.ts';
import { type Arrivals, type FunctionDescription, grantedDirectories, readPackageFiles } from '../provision/index.ts';
import type { LoadedVersion, ReuseLimits } from '../sandbox/index.ts';
import type { DataDir, RegisteredVersion, SecretVault } from '../store/index.ts';
import type { FunctionUses } from '../use/function-uses.ts';
import { versionBytes } from './version-bytes.ts';
import type { VersionGrant } from './version-grant.ts';

/** One version of a function, ready to be called. */
export interface FunctionVersion {
  readonly name: FunctionName;
  readonly version: number;
  readonly digest: Digest;
  readonly description: FunctionDescription;
  /**
   * What the pool runs. Its id names this content for ever: a function that is removed and published anew counts its
   * versions again.
   */
  readonly loaded: LoadedVersion;
}

/** A version of a function and what it was granted, for whoever makes what its guests may ask of the host. */
export interface GrantedVersion extends Pick<FunctionVersion, 'name' | 'version' | 'digest'> {
  readonly grant: Grant;
}

/** What the guests of a version may ask of the host; asked by each invocation, so that what was changed holds at once. */
export type VersionOutside = (version: GrantedVersion, stores: Stores) => OutsideServices;

/** Which function and version a pool's id means. */
export function parseVersionId(id: string): { readonly name: FunctionName; readonly version: number } {
  const [name, version] = id.split('/');
  return { name: name as FunctionName, version: Number(version) };
}

/** The id under which the pool knows a version. */
export function versionId(name: FunctionName, { version, digest, publishedAt }: RegisteredVersion): string {
  return `${name}/${version}/${publishedAt}/${digest}`;
}

/**
 * Whether a version is still published. One that was removed may have invocations that go on: they may leave nothing under a name that
 * somebody publishes anew, and find nothing there.
 */
export function isPublished({ registry }: Pick<DataDir, 'registry'>, id: string): boolean {
  const { name, version } = parseVersionId(id);
  const found = registry.findVersion(name, version);
  return found !== undefined && versionId(name, found) === id;
}

/** Makes a registered version callable. */
export function functionVersion(
  {
    data,
    compiler,
    outside,
    stores,
    uses,
    arrivals,
  }: {
    readonly data: DataDir;
    readonly compiler: ComponentCompiler;
    readonly outside: VersionOutside;
    readonly stores: Stores;
    readonly uses: FunctionUses;
    readonly arrivals: Arrivals;
  },
  name: FunctionName,
  registered: RegisteredVersion,
  description: FunctionDescription,
  { grant, stored }: VersionGrant,
): FunctionVersion {
  const { version, digest } = registered;
  const component = stored?.component.digest ?? digest;
  const used = secretsUsed(grant);
  const id = versionId(name, registered);
  const loaded: LoadedVersion = {
    id,
    program: name,
    grant,
    outside: () => (isPublished(data, id) ? outside({ name, version, digest, grant }, stores) : {}),
    use: uses.of(name, id),
    artifact: () => compiler.compile(() => versionBytes(name, data.blobs.read(component)), component),
    ...(grant.files.length + grant.scratch.length === 0
      ? {}
      : {
          files: async () => {
            const arrival = arrivals.of(name, version, digest);
            if (arrival !== undefined) return grantedDirectories(grant, arrival.files);
            const files = await versionBytes(name, readPackageFiles(data.blobs, stored?.layers ?? []));
            return grantedDirectories(grant, files);
          },
          late: () => arrivals.of(name, version, digest)?.whole ?? null,
        }),
    ...(description.asynchronous ? { reuse: reuseOf(grant.limits) } : {}),
    ...(used.length === 0 ? {} : { secrets: () => Object.fromEntries(data.secrets.of(name)) }),
  };
  return { name, version, digest, description, loaded };
}

function reuseOf({ reuseInvocations, reuseAtOnce, reuseIdleMs }: Limits): ReuseLimits {
  return { invocations: reuseInvocations, atOnce: reuseAtOnce, idleMs: reuseIdleMs };
}

/** Refuses to run a version that lacks a secret, naming the command that sets it: `secret-missing`. */
export function checkSecrets({ name, loaded }: FunctionVersion, secrets: SecretVault): void {
  if (loaded.secrets === undefined) return;
  const [missing] = missingSecrets(loaded.grant, new Set(secrets.of(name).keys()));
  if (missing === undefined) return;
  throw new CloudletError(
    'secret-missing',
    `"${name}" needs the secret "${missing}", which is not set; set it with: npx cloudlet secret set ${name} ${missing}`,
  );
}
