import { type Digest, hexOf } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { askedGrant, type GrantRequest, plainPathFault } from '../grant/index.ts';
import { artifactOf, type ComponentFacts } from './artifact.ts';
import { blobOf, descriptorOf, jsonBlob, jsonBytes, type KnownBlob } from './blob.ts';
import { type CompressedLayer, formatLayerIndex } from './layer-index.ts';
import { type Annotations, type Descriptor, MAX_FILE_LAYERS } from './manifest.ts';
import { ANNOTATIONS, MEDIA_TYPES } from './media-types.ts';
import { blobsOfSignature, type PackageSignature, signatureOf } from './signature-manifest.ts';
import { joinPieces, type TarFile, tarPieces } from './tar-writer.ts';

/** What goes into a package. */
export interface PackageContent {
  readonly component: Uint8Array;
  /** What the component is, for other tools. */
  readonly facts?: ComponentFacts;
  /** What the function asks for; the paths of `from` are those of `files`. */
  readonly grant: GrantRequest;
  /** Files by their paths in the package, such as `assets/a.txt`. */
  readonly files: Iterable<TarFile>;
  /** Files and folders in the order in which the function reads them: they are first in their layers, and these first in the package. */
  readonly readFirst?: readonly string[];
  readonly annotations?: Annotations;
  /** Compresses a layer of files, a tar in pieces, by zstd, to the same bytes for the same bytes; left out, layers are plain tars. */
  readonly compress?: (tar: readonly Uint8Array[]) => CompressedLayer | Promise<CompressedLayer>;
  /** Signs the bytes of the manifest: a detached JWS. */
  readonly sign?: (manifest: Uint8Array) => Promise<string>;
}

/** A package as it travels: an OCI image layout in a tar. */
export interface WrittenPackage {
  /** Digest of the manifest: the package's name. */
  readonly digest: Digest;
  readonly manifest: Uint8Array;
  /** What it is made of, the manifest first; signatures are apart. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  readonly signatures: readonly PackageSignature[];
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly codeBytes: number;
  /** Of the layers of files, as they travel. */
  readonly dataBytes: number;
}

/**
 * Packs a component with its grant and files. The same content gives the same bytes on every computer: files are sorted, by
 * what is read first and then by path, and no time, user or tool is in them. What each `from` of the grant names is a layer of its own, which other versions and functions
 * share. `package-invalid` names a path that is no plain relative one, or is there twice.
 */
export async function writePackage(content: PackageContent): Promise<WrittenPackage> {
  const { component, facts, grant, annotations = {}, readFirst = [], compress, sign } = content;
  const blobs: KnownBlob[] = [];
  const keep = async (mediaType: string, blob: Promise<KnownBlob>): Promise<Descriptor> => {
    blobs.push(await blob);
    return descriptorOf(mediaType, await blob);
  };
  const layers = [await keep(MEDIA_TYPES.component, blobOf(component)), await keep(MEDIA_TYPES.grant, jsonBlob(grant))];
  let dataBytes = 0;
  for (const files of layersOf(content.files, grant, readFirst)) {
    const tar = tarPieces(files);
    const packed = compress === undefined ? { bytes: joinPieces(tar), frames: [] } : await compress(tar);
    const mediaType = compress === undefined ? MEDIA_TYPES.files : MEDIA_TYPES.filesZstd;
    const layer = await keep(mediaType, blobOf(packed.bytes));
    const index = await formatLayerIndex(files, packed);
    layers.push(index === null ? layer : { ...layer, annotations: { [ANNOTATIONS.files]: index } });
    dataBytes += layer.size;
  }
  const { manifest, config } = await artifactOf(layers, facts, annotations);
  const all = new Map([manifest, config, ...blobs].map(({ digest, bytes }) => [digest, bytes]));
  const signatures = sign === undefined ? [] : [await signatureOf(await sign(manifest.bytes), manifest)];
  return { ...(await layoutOf(manifest, all, signatures)), codeBytes: component.length, dataBytes };
}

/** The tar of a layout, of the blobs of a package and its signatures. */
export async function layoutOf(
  manifest: KnownBlob,
  blobs: ReadonlyMap<Digest, Uint8Array>,
  signatures: readonly PackageSignature[],
): Promise<Omit<WrittenPackage, 'codeBytes' | 'dataBytes'>> {
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [
      // Tools that find several manifests in a layout want to be told which one is meant.
      { ...descriptorOf(MEDIA_TYPES.manifest, manifest), annotations: { [ANNOTATIONS.refName]: 'latest' } },
      ...signatures.map(({ digest, manifest: bytes }) => ({
        ...descriptorOf(MEDIA_TYPES.manifest, { digest, bytes }),
        artifactType: MEDIA_TYPES.signature,
      })),
    ],
  };
  const signed = (await Promise.all(signatures.map(blobsOfSignature))).flat();
  // Layers of files are last: what is before them is all that a host needs to begin with.
  const all = new Map([...signed.map(({ digest, bytes }) => [digest, bytes] as const), ...blobs]);
  const pieces = tarPieces([
    ['oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' })],
    ['index.json', jsonBytes(index)],
    ...[...all].map(([digest, bytes]): TarFile => [`blobs/sha256/${hexOf(digest)}`, bytes]),
  ]);
  const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  return { digest: manifest.digest, manifest: manifest.bytes, blobs, signatures, pieces, sizeBytes };
}

/** The files of each `from` of the grant, sorted; what is under none of them, or under too many, is together. */
function layersOf(given: Iterable<TarFile>, grant: GrantRequest, readFirst: readonly string[]): TarFile[][] {
  const sorted = [...given].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [at, [path]] of sorted.entries()) {
    const fault = plainPathFault(path) ?? (sorted[at - 1]?.[0] === path ? 'a path twice' : null);
    if (fault !== null)
      throw new CloudletError(
        'package-invalid',
        `expected plain relative paths of files, got ${fault}: ${JSON.stringify(path)}`,
      );
  }
  const { files, scratch } = askedGrant(grant);
  const roots = [...new Set([...files, ...scratch].flatMap(({ from }) => from ?? []))]
    .sort()
    .slice(0, MAX_FILE_LAYERS - 1);
  const layers = new Map<string, TarFile[]>();
  for (const file of sorted) {
    const root = roots.find((each) => file[0] === each || file[0].startsWith(`${each}/`)) ?? '';
    const layer = layers.get(root);
    if (layer === undefined) layers.set(root, [file]);
    else layer.push(file);
  }
  const rank = (path: string): number => {
    const at = readFirst.findIndex((each) => path === each || path.startsWith(`${each}/`));
    return at === -1 ? readFirst.length : at;
  };
  const ranked = [...layers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, files]) => files.map((file) => ({ file, rank: rank(file[0]) })).sort((a, b) => a.rank - b.rank));
  return ranked.sort(([a], [b]) => a!.rank - b!.rank).map((layer) => layer.map(({ file }) => file));
}
