import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type DebianPackage, resolveKernel } from '../../image/index.ts';
import { type Accelerator, conditionsOf, type SnapshotConditions } from '../../machine/index.ts';
import { relayProgram } from '../guest/relay-program.ts';
import { type AptSource, debianSources, sourcesText } from './apt-sources.ts';
import { resolvePackages } from './package-list.ts';

/** Changes when what is done with the packages changes; since the third they have the lists of what else there is. */
const LAYOUT = 3;

/** The same of those with a stock kernel: their manifests say so since the second. */
const STOCK_LAYOUT = 4;

/** What a base VM is like. Units in the names. */
export interface BaseVmShape {
  readonly memoryMib: number;
  readonly vcpus: number;
  /** Size of its disk as the guest sees it; it takes what is written. */
  readonly diskMib: number;
  /** Names of Debian packages beside the essential ones. */
  readonly include: readonly string[];
  /** Whether its kernel clears memory that is freed, so that it is nothing in an overlay; as stock kernels are, it is not. */
  readonly initOnFree: boolean;
}

/** The base VM that is made when nothing else is said. */
export const DEFAULT_BASE_VM: BaseVmShape = {
  memoryMib: 384,
  vcpus: 1,
  diskMib: 4096,
  include: [],
  initOnFree: true,
};

/** Everything a base VM is made from, found but not yet built. */
export interface BaseInputs {
  /** Name of Debian's release. */
  readonly release: string;
  readonly sources: readonly AptSource[];
  readonly include: readonly string[];
  readonly packages: readonly DebianPackage[];
  readonly kernel: DebianPackage;
  readonly conditions: SnapshotConditions;
  /** Digest of all of it, in hexadecimal: the same inputs are not built twice. */
  readonly key: string;
  /** What it is, for people. */
  readonly about: string;
}

/** Finds what a base VM of this shape is made from now. Nothing is downloaded. Uses `scratch`, which is made and removed. */
export async function findBaseInputs(
  shape: BaseVmShape,
  accelerator: Accelerator,
  scratch: string,
  signal?: AbortSignal,
): Promise<BaseInputs> {
  const sources = await debianSources();
  const include = webNeeds(sources, shape.include);
  const packages = await resolvePackages(sources, include, scratch, signal);
  const kernel = await resolveKernel();
  const release = releaseOf(await readFile('/etc/os-release', 'utf8'), sources);
  const { memoryMib, vcpus, diskMib, initOnFree } = shape;
  const own = { kernel, relay: digestOf(relayProgram()), initOnFree };
  const image = digestOf(JSON.stringify(own));
  const conditions = conditionsOf({ accelerator, memoryMib, vcpus, workers: 0 }, image, null);
  const layout = initOnFree ? LAYOUT : STOCK_LAYOUT;
  const made = { layout, release, sources: sourcesText(sources), packages, diskMib, conditions };
  const more = include.length === 0 ? '' : ` with ${include.join(', ')}`;
  const stock = initOnFree ? '' : ', stock kernel';
  const about = `Debian ${release}, ${packages.length} packages${more}, kernel ${kernel.version}${stock}`;
  const key = digestOf(JSON.stringify(made));
  return { release, sources, include, packages, kernel, conditions, key, about: about.slice(0, 200) };
}

/** Where packages come by TLS, a VM needs what it trusts. */
function webNeeds(sources: readonly AptSource[], include: readonly string[]): readonly string[] {
  const needed = sources.some(({ uri }) => uri.startsWith('https:')) && !include.includes('ca-certificates');
  return needed ? [...include, 'ca-certificates'].sort() : include;
}

/** The name of this computer's release: what its description says, else the first suite that packages come from. */
export function releaseOf(osRelease: string, sources: readonly AptSource[]): string {
  const [, named] = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease) ?? [];
  return named ?? sources[0]?.suite ?? 'stable';
}

function digestOf(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
