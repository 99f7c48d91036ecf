import {
  CloudletError,
  type Digest,
  type EntryManifest,
  parseDigest,
  parseName,
  type ServiceWish,
} from '../../../guest-sdk/protocol/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { openOverlayFile } from '../overlay/overlay-file.ts';

/** Longest recipe that is read, bytes. */
const MAX_RECIPE_BYTES = 1024 * 1024;

/** What an entry wishes for, with the parts that this cloudlet has of it. Whoever opens it closes it. */
export interface OpenedWish {
  readonly want: ServiceWish;
  /** The bytes of a part of what is wanted. */
  readonly read: (digest: Digest, signal: AbortSignal) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** The wish of an entry for a service: by an image that is here, by an overlay file, or by a recipe whose parts are files of the entry. */
export async function openServiceEntry(
  manifest: EntryManifest & { readonly kind: 'service' },
  blobs: BlobStore,
): Promise<OpenedWish> {
  const service = parseName(manifest.service);
  const { from } = manifest;
  const fileOf = (name: string): Digest => {
    const file = manifest.files?.find((each) => each.name === name);
    if (file === undefined)
      throw new CloudletError(
        'request-invalid',
        `expected the file ${JSON.stringify(name)} in "${manifest.name}", got none`,
      );
    return parseDigest(file.digest);
  };
  const nothing = async (): Promise<void> => {};
  if ('image' in from) {
    const read = async (digest: Digest) => await blobs.read(digest);
    return { want: { service, image: parseDigest(from.image) }, read, close: nothing };
  }
  if ('overlay' in from) {
    const { text, get, close } = await openOverlayFile(blobs.path(fileOf(from.overlay)));
    return { want: { service, overlay: documentOf(text, manifest.name) }, read: get, close };
  }
  const digest = fileOf(from.recipe);
  const bytes = manifest.files!.find((each) => each.digest === digest)!.bytes;
  if (bytes > MAX_RECIPE_BYTES)
    throw new CloudletError(
      'recipe-invalid',
      `expected a recipe of at most ${MAX_RECIPE_BYTES} bytes in "${manifest.name}", got ${bytes}`,
    );
  const text = new TextDecoder().decode(await blobs.read(digest));
  const own = new Set(manifest.files!.map((each) => each.digest));
  return {
    want: { service, recipe: documentOf(text, manifest.name) },
    read: async (part) => {
      if (own.has(part)) return await blobs.read(part);
      throw new CloudletError(
        'recipe-invalid',
        `expected the part ${part} of the recipe among the files of "${manifest.name}", got none`,
      );
    },
    close: nothing,
  };
}

function documentOf(text: string, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // What is no JSON is no document either.
  }
  throw new CloudletError(
    'request-invalid',
    `expected an object of JSON to make the service of "${name}" with, got another text`,
  );
}
