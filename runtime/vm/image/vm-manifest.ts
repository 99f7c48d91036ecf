import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { CloudletError, type Digest, digestOfHex, ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import { Conditions, DIGEST_BLOCK_BYTES } from '../../machine/index.ts';
import { MEMORY_BLOCK_BYTES } from './memory-blocks.ts';

/** Changes when what an image consists of, or how it is written, changes. */
export const VM_IMAGE_FORMAT = 2;

/** Formats that are read; `1` differs by how its memory is digested alone. */
const KNOWN_FORMATS = [1, VM_IMAGE_FORMAT] as const;

/** Length of a block of the digest of an image's memory. */
export function memoryBlockBytes({ format }: Pick<VmManifest, 'format'>): number {
  return format === 1 ? DIGEST_BLOCK_BYTES : MEMORY_BLOCK_BYTES;
}

/** Longest text of a manifest, bytes: it comes from other computers, and is held in memory. */
export const MAX_MANIFEST_BYTES = 256 * 1024;

/**
 * Most disk that an image may declare, bytes. A file of some hundred bytes can declare any number of holes, and whoever verifies it reads them: 64 GiB of
 * zeros are some seconds, 4 TiB half an hour of each host.
 */
export const MAX_DISK_BYTES = 64 * 2 ** 30;

/** Most memory that an image may declare: a draft has to have room for it on the disk. */
const MAX_MEMORY_BYTES = 64 * 2 ** 30;
const MAX_STATE_BYTES = 64 * 2 ** 20;
const MAX_LAYERS = 8;

const bytes = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(most));
const Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const file = (most: number) => v.strictObject({ bytes: bytes(most), digest: Hex });
const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/),
  v.transform((text) => text as Digest),
);

/** A layer of the disk that belongs to the image itself, the lowest first; those of its base lie below. */
const Layer = v.strictObject({ format: v.picklist(['raw', 'qcow2']), ...file(MAX_DISK_BYTES).entries });

const Manifest = v.pipe(
  v.strictObject({
    format: v.picklist(KNOWN_FORMATS),
    kind: v.picklist(['base', 'service']),
    /** By what it is found by who would make the same again: a digest of what it was made from; null when nobody would. */
    key: v.nullable(Hex),
    /** What is in it, for people: one line. */
    about: v.pipe(v.string(), v.maxLength(200), v.regex(/^[^\p{C}]*$/u)),
    conditions: Conditions,
    /** Its kernel leaves freed memory as it was, as stock kernels do: no default, since overlays on it are larger. Left out of others. */
    stockKernel: v.optional(v.literal(true)),
    diskBytes: bytes(MAX_DISK_BYTES),
    base: v.nullable(DigestText),
    service: v.nullable(ServiceSpec),
    memory: file(MAX_MEMORY_BYTES),
    state: file(MAX_STATE_BYTES),
    layers: v.pipe(v.array(Layer), v.maxLength(MAX_LAYERS)),
  }),
  v.check(
    ({ memory, conditions }) => memory.bytes === conditions.memoryMib * 2 ** 20,
    'its memory is not of the size that its conditions say',
  ),
  v.check(
    ({ kind, base, service, layers, diskBytes }) =>
      kind === 'service'
        ? base !== null && service !== null && layers.every(({ format }) => format === 'qcow2')
        : base === null &&
          service === null &&
          layers[0]?.format === 'raw' &&
          layers[0].bytes === diskBytes &&
          layers.slice(1).every(({ format }) => format === 'qcow2'),
    'its disk, base and service do not fit its kind',
  ),
);

/** What lies beside an image's files as `manifest.json`; its digest names the image. */
export type VmManifest = v.InferOutput<typeof Manifest>;

/** One file that a manifest declares. */
export interface DeclaredFile {
  readonly bytes: number;
  /** As `sparseDigest` gives it; of the memory by blocks of `memoryBlockBytes`. */
  readonly digest: string;
}

/** The text of a manifest. Same manifest, same bytes: keys have one order. */
export function vmManifestText(manifest: VmManifest): string {
  const { format, kind, key, about, conditions, stockKernel, diskBytes, base, service, memory, state, layers } =
    manifest;
  const { qemu, accelerator, processor, counterMhz, image, memoryMib, vcpus, workers, content } = conditions;
  const ordered = { qemu, accelerator, processor, counterMhz, image, memoryMib, vcpus, workers, content };
  const declared = (each: DeclaredFile) => ({ bytes: each.bytes, digest: each.digest });
  return JSON.stringify({
    ...{ format, kind, key, about, conditions: ordered, stockKernel, diskBytes, base },
    service: service === null ? null : v.parse(ServiceSpec, service),
    ...{ memory: declared(memory), state: declared(state) },
    layers: layers.map((layer) => ({ format: layer.format, ...declared(layer) })),
  });
}

/** The digest that names the image with this manifest. */
export function vmImageDigest(text: string | Uint8Array): Digest {
  return digestOfHex(createHash('sha256').update(text).digest('hex'));
}

/** Reads a manifest; `image-refused` says what is wrong with it. */
export function parseVmManifest(text: string): VmManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refused('it is torn', error);
  }
  const format = (json as { format?: unknown } | null)?.format;
  if (!KNOWN_FORMATS.some((known) => known === format)) {
    throw refused(
      `expected format ${KNOWN_FORMATS.join(' or ')}, got ${JSON.stringify(format) ?? 'none'}; make it anew`,
    );
  }
  const parsed = v.safeParse(Manifest, json);
  if (parsed.success) return parsed.output;
  const [{ message }] = parsed.issues;
  throw refused(`${v.getDotPath(parsed.issues[0]) ?? 'the whole'}: ${message}`);
}

function refused(why: string, cause?: unknown): CloudletError {
  return new CloudletError('image-refused', `the manifest of a saved VM cannot be used: ${why}`, { cause });
}
