import { access, lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  type Annotations,
  askedGrant,
  CloudletError,
  type ComponentFacts,
  fingerprintOf,
  type GrantRequest,
  layoutOf,
  type PackageSignature,
  publicPartOf,
  signatureOf,
  signDetached,
  type TarFile,
  verifySignature,
  type WrittenPackage,
  writePackage,
} from '../protocol/index.ts';
import { compressLayer } from './compress-layer.ts';
import { PROJECT_FILE, readFirstOf, readGrant } from './project.ts';
import { grantAnnotation, provenanceOf } from './provenance.ts';

/** What is packed. */
export interface PackOptions {
  /** Path of a component, or of a WASI 0.1 core module. */
  readonly component: string;
  /** What the function asks for; the paths of `from` are below `folder`. */
  readonly grant: GrantRequest;
  readonly folder: string;
  /** Further annotations of the manifest, such as `org.opencontainers.image.version`. */
  readonly annotations?: Annotations;
  /** Files and folders, below `folder`, in the order in which the program reads them: they are first in the package. */
  readonly readFirst?: readonly string[];
  /** Private key of the publisher (JWK), who signs the package. */
  readonly key?: JsonWebKey | undefined;
}

/** Most files of a package, and their bytes together: what a host takes of them. */
const MAX_FILES = 4096;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Packs a component with its grant and the files that this names, and signs it when there is a key. The same content gives the same bytes, whatever the
 * time, the user or the computer. `project-invalid` names a file that is not there, is a link or a device, or is too much; `component-refused` says why a
 * component could not be published.
 */
export async function pack({
  component,
  grant,
  folder,
  annotations,
  readFirst = [],
  key,
}: PackOptions): Promise<WrittenPackage> {
  const { files, scratch } = askedGrant(grant);
  const found = new Map<string, Uint8Array>();
  let left = MAX_BYTES;
  for (const from of [...files, ...scratch].flatMap((each) => each.from ?? [])) {
    for (const path of await filesAt(folder, from)) {
      if (found.has(path)) continue;
      // Looked at before it is read: it may be larger than memory.
      left -= (await stat(join(folder, path))).size;
      if (left < 0 || found.size === MAX_FILES) {
        throw invalid(
          `expected at most ${MAX_FILES} files of ${MAX_BYTES} bytes together, got more at ${JSON.stringify(from)}`,
        );
      }
      found.set(path, await readFile(join(folder, path)));
    }
  }
  for (const path of readFirst)
    if (![...found.keys()].some((each) => each === path || each.startsWith(`${path}/`)))
      throw invalid(
        `"readFirst" names ${JSON.stringify(path)}, which is no file or folder that the grant's "files" or "scratch" give; remove it there`,
      );
  const bytes = await readFile(component);
  return writePackage({
    component: bytes,
    facts: await factsOf(bytes),
    grant,
    files: [...found] satisfies TarFile[],
    readFirst,
    annotations: { ...grantAnnotation(grant), ...annotations },
    compress: compressLayer,
    ...(key === undefined ? {} : { sign: (manifest) => signDetached(manifest, key, 'package') }),
  });
}

/**
 * Packs what was built of the project in a folder; null when its project file asks for nothing, or there is none: then its component
 * is all that is published.
 */
export async function packBuilt(folder: string, component: string): Promise<WrittenPackage | null> {
  const path = join(folder, PROJECT_FILE);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  const grant = isThere ? await readGrant(path) : {};
  return (await goesAlone(component, grant)) ? null : packProject({ component, grant, folder });
}

/**
 * Whether the component of a project is published alone: its grant says nothing. Not where its engine has imports of its own, which say nothing of a program
 * that comes alone: a package, and its grant, are a project's.
 */
export async function goesAlone(component: string, grant: GrantRequest): Promise<boolean> {
  if (Object.keys(grant).length > 0) return false;
  const bytes = await readFile(component);
  const { engineImports, inspectComponent } = await import('../../runtime/index.ts');
  return engineImports(bytes, inspectComponent(bytes).imports).length === 0;
}

/** Packs what was built of the project in a folder, in the order that its file names, and says where it comes from: see `provenanceOf`. */
export async function packProject(options: PackOptions): Promise<WrittenPackage> {
  const annotations = { ...(await provenanceOf(options.folder)), ...options.annotations };
  const readFirst = options.readFirst ?? (await readFirstOf(options.folder));
  return await pack({ ...options, annotations, readFirst });
}

/** Packs a component that is no project's: it asks for nothing, or for what needs no files. */
export async function packComponent(
  bytes: Uint8Array,
  options: Pick<PackOptions, 'annotations' | 'key'> & { readonly grant?: GrantRequest } = {},
): Promise<WrittenPackage> {
  const { annotations = {}, grant = {}, key } = options;
  return writePackage({
    ...{
      component: bytes,
      facts: await factsOf(bytes),
      grant,
      files: [],
      annotations: { ...grantAnnotation(grant), ...annotations },
    },
    ...(key === undefined ? {} : { sign: (manifest: Uint8Array) => signDetached(manifest, key, 'package') }),
  });
}

/** Adds a publisher's signature to a package; one by the same key is not added twice. */
export async function sign(written: SignablePackage, key: JsonWebKey): Promise<SignablePackage> {
  const manifest = { digest: written.digest, bytes: written.manifest };
  const signature = await signatureOf(await signDetached(written.manifest, key, 'package'), manifest);
  const fingerprint = fingerprintOf(publicPartOf(key));
  const others: PackageSignature[] = [];
  for (const each of written.signatures)
    if ((await verifySignature(each, manifest)).fingerprint !== fingerprint) others.push(each);
  return await layoutOf(manifest, written.blobs, [...others, signature]);
}

/** A package as it can be signed and sent. */
export type SignablePackage = Omit<WrittenPackage, 'codeBytes' | 'dataBytes'>;

async function factsOf(bytes: Uint8Array): Promise<ComponentFacts> {
  // Loaded when it is needed: who builds and does not pack has no use for it.
  const { inspectComponent } = await import('../../runtime/index.ts');
  const { kind, imports, exports } = inspectComponent(bytes);
  return { os: kind === 'core-module' ? 'wasip1' : 'wasip2', imports, exports };
}

/** The files at a path below the folder, with `/` between names; a link could lead anywhere, and so is none. */
async function filesAt(folder: string, path: string): Promise<string[]> {
  const place = join(folder, path);
  const found = await lstat(place).catch((error: unknown) => {
    throw invalid(
      `the grant names ${JSON.stringify(path)}, and there is no file or folder ${place} that can be read`,
      error,
    );
  });
  // A folder on the way may be a link although the last name is none.
  const [top, real] = await Promise.all([realpath(folder), realpath(place)]);
  const inside = relative(top, real).split(sep).join('/');
  if (inside !== path || found.isSymbolicLink())
    throw invalid(
      `expected no links in a package, got one at ${JSON.stringify(path)}; put a copy of what it leads to in its place`,
    );
  if (found.isFile()) return [path];
  if (!found.isDirectory()) throw invalid(`expected files and folders, got something else at ${JSON.stringify(path)}`);
  const names = (await readdir(place)).sort();
  const below = await Promise.all(names.map((name) => filesAt(folder, `${path}/${name}`)));
  return below.flat();
}

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
