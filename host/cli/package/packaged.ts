import type { OpenedPackage } from '../../../guest-sdk/build/index.ts';
import { isRegistryAddress, parseRegistryReference, pullPackage } from '../../../guest-sdk/client/index.ts';
import { ANNOTATIONS, denying, type FunctionName, parseName } from '../../../guest-sdk/protocol/index.ts';
import { clientConfig } from '../../config.ts';
import { nodeTransport } from '../host-access/node-transport.ts';
import { fileOrFolder } from '../plain-file.ts';
import { GRANT_WHAT, grantOfWords, nameOfFile, STRIP_WHAT } from '../publishable.ts';
import { showProgress } from '../terminal/progress.ts';
import { typed, UsageError } from '../usage-error.ts';
import { deniedWords } from './denied-words.ts';

/** What the words of a command say of a package beside where it is. */
export interface PackageWords {
  /** File with what a component asks for. */
  readonly grant?: string | undefined;
  /** What a component is to go without, in words that commas part. */
  readonly deny?: string | undefined;
  /** File with the private key of the publisher. */
  readonly key?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `user:password` for a registry. */
  readonly user?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** Builds a project without names of functions and source maps. */
  readonly strip?: boolean | undefined;
}

/** A package, and the name that its function would have. */
export interface Packaged {
  readonly name: string;
  readonly opened: OpenedPackage;
}

/** Makes a package of what a word names: a project, which is built first, a component, a package file, or an address in a registry; signs it with the key. */
export async function packaged(what: string, words: PackageWords, signal: AbortSignal): Promise<Packaged> {
  const { key, grant, deny, annotations, strip = false } = words;
  const [{ readKey }, build] = await Promise.all([
    import('../key-file.ts'),
    import('../../../guest-sdk/build/index.ts'),
  ]);
  const secret = key === undefined ? undefined : (await readKey(key)).key;
  const signed = async (opened: OpenedPackage): Promise<OpenedPackage> =>
    secret === undefined ? opened : await build.checkPackage(await build.sign(opened.written, secret));
  const opened = async (found: OpenedPackage): Promise<OpenedPackage> =>
    await signed(deny === undefined ? found : await withoutWhatIsDenied(found, what, deny));
  const options = { key: secret, ...(annotations === undefined ? {} : { annotations }) };
  if (isRegistryAddress(what)) {
    if (strip) throw new UsageError(STRIP_WHAT);
    if (grant !== undefined || annotations !== undefined) throw packedAlready('a package in a registry');
    const reference = typed(() => parseRegistryReference(what));
    const name = nameOfFile(reference.repository.split('/').at(-1)!);
    return { name, opened: await opened(await pulled(what, words, signal)) };
  }
  const found = await fileOrFolder(what, 'a project, a component or a package');
  if (found.isDirectory()) {
    if (grant !== undefined || deny !== undefined) throw new UsageError(GRANT_WHAT);
    const { buildShown } = await import('../build-shown.ts');
    const { component, project } = await buildShown(what, signal, { strip });
    const written = await build.packProject({ component, grant: project.grant, folder: project.folder, ...options });
    return { name: project.name, opened: await build.checkPackage(written) };
  }
  if (strip) throw new UsageError(STRIP_WHAT);
  if (await build.isPackageFile(what)) {
    if (grant !== undefined || annotations !== undefined) throw packedAlready(what);
    const read = await build.readPackageFile(what);
    return { name: titleOf(read) ?? nameOfFile(what), opened: await opened(read) };
  }
  const written = await build.pack({ component: what, ...(await grantOfWords(what, words)), ...options });
  return { name: nameOfFile(what), opened: await build.checkPackage(written) };
}

/** A package that says nothing of what its component may have, as many in registries, with a grant that denies. One that says something is its publisher's. */
async function withoutWhatIsDenied(found: OpenedPackage, what: string, deny: string): Promise<OpenedPackage> {
  const denied = deniedWords(deny);
  if (Object.keys(found.grant).length > 0 || found.signers.length > 0 || found.layers.length > 0)
    throw new UsageError(
      `expected --deny with a component, or a package without a grant, files and signature; ${what} has what its publisher gave it`,
    );
  const { checkPackage, packComponent } = await import('../../../guest-sdk/build/index.ts');
  const component = found.written.blobs.get(found.component.digest)!;
  return await checkPackage(
    await packComponent(component, { grant: denying({}, denied), annotations: found.annotations }),
  );
}

/** How the flags, or else the environment, say that a registry is asked. */
export function registryOptions({ user, insecure }: Pick<PackageWords, 'user' | 'insecure'>, signal: AbortSignal) {
  const credentials = user ?? typed(() => clientConfig()).registryAuth;
  if (credentials !== undefined && !credentials.includes(':'))
    throw new UsageError('expected --user (or CLOUDLET_REGISTRY_AUTH) as user:password, got no colon');
  return { transport: nodeTransport, credentials, insecure, signal };
}

/** The name that the project had which was packed: its file may be called anything. */
function titleOf({ annotations }: OpenedPackage): FunctionName | null {
  try {
    return parseName(annotations[ANNOTATIONS.title] ?? '');
  } catch {
    // Another tool's title is for people, and names no function.
    return null;
  }
}

async function pulled(what: string, words: PackageWords, signal: AbortSignal): Promise<OpenedPackage> {
  const { checkPackage } = await import('../../../guest-sdk/build/index.ts');
  const progress = showProgress(what);
  try {
    progress.stage('pulling');
    const onBytes = (done: number, total: number) => progress.amount(done, total);
    return await checkPackage(
      await pullPackage(parseRegistryReference(what), { ...registryOptions(words, signal), onBytes }),
    );
  } finally {
    progress.clear();
  }
}

function packedAlready(what: string): UsageError {
  return new UsageError(`expected --grant and --annotation with a project or component; ${what} is packed already`);
}
