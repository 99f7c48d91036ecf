import {
  type CloudletClient,
  failureOf,
  isRegistryAddress,
  parseRegistryReference,
  type RegistryReference,
} from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  findPackage,
  isLoopbackName,
  parseName,
  RegistryAccess,
  type Requirements,
  signaturesIn,
} from '../../../guest-sdk/protocol/index.ts';
import { drawnDeployment, type EndedDeployment } from '../deploy/drawn-deployment.ts';
import { nameOfFile } from '../publishable.ts';
import { printable } from '../terminal/printable.ts';
import { showProgress } from '../terminal/progress.ts';
import { typed, UsageError } from '../usage-error.ts';
import { type PackageWords, registryOptions } from './packaged.ts';
import { settlePublisher } from './source.ts';

/** What the words of a command say of who pulls. */
export interface HostPullWords extends Pick<PackageWords, 'key' | 'grant' | 'deny' | 'strip' | 'user' | 'insecure'> {
  readonly name?: string | undefined;
  readonly trust?: string | undefined;
  /** `host` or `here`. */
  readonly pull?: string | undefined;
}

/** What `--pull` says, for the help of verbs. */
export const PULL_FLAG = [
  '--pull <host|here>',
  'who fetches from a registry (default: the host where it may, else here)',
] as const;

/**
 * Has the host pull a package by its reference and publish it, drawn as a deployment; null when it is to be pulled here instead: the words say so, only this
 * computer can, or the host may not or does not reach the registry, which is said.
 */
export async function pulledByHost(
  client: Pick<CloudletClient, 'url' | 'deploy' | 'publishers'>,
  what: string,
  words: HostPullWords,
  requirements: Requirements,
  signal: AbortSignal,
): Promise<EndedDeployment | null> {
  const { pull, user, insecure } = words;
  if (pull !== undefined && pull !== 'host' && pull !== 'here')
    throw new UsageError(`expected --pull host or --pull here, got ${JSON.stringify(pull.slice(0, 40))}`);
  const reference = typed(() => parseRegistryReference(what));
  const name = typed(() => parseName(words.name ?? nameOfFile(reference.repository.split('/').at(-1)!)));
  const { credentials, ...options } = registryOptions({ user, insecure }, signal);
  const only = onlyHere(client.url, reference, words, credentials !== undefined);
  if (pull === 'host' && only !== null) throw new UsageError(`expected no --pull host, since ${only}`);
  if (pull === 'here' || only !== null || words.grant !== undefined || words.deny !== undefined || words.strip === true)
    return null;
  const signers = await signersOf(reference, { ...options, credentials });
  await settlePublisher(client, name, { signers }, words, signal);
  const progress = showProgress(name);
  const want = { function: name, from: what };
  const request = { want, requirements, ...(credentials === undefined ? {} : { credentials }) };
  try {
    const end = await drawnDeployment(client.deploy(request, { signal }), null, progress);
    const failure = failureOf(end.deployment);
    if (failure === null) return end;
    if (failure.code !== 'network-unavailable' || pull === 'host') throw failure;
    progress.note(`the host does not reach it (${printable(failure.message)}); it is pulled here and sent`);
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'function-unknown' || pull === 'host') throw error;
    progress.note(`the host does not pull it (${printable(error.message)}); it is pulled here and sent`);
  } finally {
    progress.clear();
  }
  return null;
}

/** Refuses `--pull` with what is in no registry. */
export function expectRegistry(what: string, pull: string | undefined): void {
  if (pull !== undefined && !isRegistryAddress(what))
    throw new UsageError(`expected --pull with an address in a registry (oci://…), got it with ${what}`);
}

/** Why only this computer can pull it, as a clause; null when the host may be asked. */
function onlyHere(
  url: string,
  { host }: RegistryReference,
  { key }: HostPullWords,
  hasCredentials: boolean,
): string | null {
  const { hostname, protocol } = new URL(url);
  const isNear = isLoopbackName(hostname);
  if (key !== undefined) return 'what is signed with --key is signed here';
  if (!isNear && isLoopbackName(new URL(`http://${host}`).hostname)) return `${host} is another computer to the host`;
  if (!isNear && protocol === 'http:' && hasCredentials) return 'a password is not sent to the host over plain HTTP';
  return null;
}

/** Who signed it, for whoever sits at a terminal and is asked; nobody when the registry is out of reach from here. */
async function signersOf(
  reference: RegistryReference,
  options: ReturnType<typeof registryOptions>,
): Promise<readonly string[]> {
  if (process.stdin.isTTY !== true) return [];
  const access = new RegistryAccess(reference, { ...options, idleMs: 5000 }, 'pull');
  try {
    const found = await findPackage(access, reference, Number.MAX_SAFE_INTEGER);
    return (await signaturesIn(access, found)).map(({ fingerprint }) => fingerprint);
  } catch (error) {
    options.signal.throwIfAborted();
    // The host may reach what this computer does not, and tells what is wrong with it.
    if (error instanceof CloudletError) return [];
    throw error;
  }
}
