import { createHash } from 'node:crypto';
import * as v from 'valibot';
import {
  CloudletError,
  type Digest,
  DocumentSignatures,
  digestOfHex,
  ServiceSpec,
  type SignedDocument,
} from '../../../guest-sdk/protocol/index.ts';
import { Conditions } from '../../machine/index.ts';
import { MAX_DISK_BYTES } from '../../vm/image/vm-manifest.ts';
import { type BlockRun, decodeBlockSet } from './block-set.ts';
import { PAGE_BYTES } from './page-run.ts';
import { MAX_EXPANDED_BYTES } from './segment.ts';

/** Changes when what an overlay consists of, or how it is written, changes. */
export const OVERLAY_FORMAT = 1;

/** Longest text of a manifest, bytes: it comes from devices, and is held in memory. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Longest segment, bytes: it is held in memory while it is verified; a deployment takes no longer part. */
export const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;

/** Most pages that one segment fills: as many as fit into 64 MiB. */
export const MAX_SEGMENT_PAGES = 16_384;

const MAX_SEGMENTS = 16_384;

const natural = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));
const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/),
  v.transform((text) => text as Digest),
);

const segmentEntries = {
  digest: DigestText,
  bytes: v.pipe(natural(MAX_SEGMENT_BYTES), v.minValue(1)),
  /** What it expands to. */
  expandedBytes: natural(MAX_EXPANDED_BYTES),
};

const SegmentEntry = v.variant('kind', [
  /** The state of the devices, as it is. */
  v.strictObject({ kind: v.literal('state'), ...segmentEntries }),
  v.strictObject({ kind: v.literal('memory'), ...segmentEntries, pages: natural(MAX_SEGMENT_PAGES) }),
  v.strictObject({
    kind: v.literal('disk'),
    ...segmentEntries,
    pages: natural(MAX_SEGMENT_PAGES),
    /** Which blocks it holds; see `encodeBlockSet`. */
    blocks: v.pipe(v.string(), v.maxLength(MAX_MANIFEST_BYTES)),
    /** Disk segments that it copies blocks from, which come before it. */
    needs: v.optional(v.pipe(v.array(natural(MAX_SEGMENTS)), v.maxLength(MAX_SEGMENTS)), []),
  }),
]);

/** What a manifest says of one segment. */
export type SegmentEntry = v.InferOutput<typeof SegmentEntry>;

const Manifest = v.strictObject({
  format: v.literal(OVERLAY_FORMAT),
  /** Digest of the VM image that it changes. */
  base: DigestText,
  /** What is in it, for people: one line. */
  about: v.pipe(v.string(), v.maxLength(200), v.regex(/^[^\p{C}]*$/u)),
  conditions: Conditions,
  diskBytes: v.pipe(natural(MAX_DISK_BYTES), v.multipleOf(PAGE_BYTES)),
  service: ServiceSpec,
  /** In the order in which they are needed: state, memory, what the server reads first, the rest. */
  segments: v.pipe(v.array(SegmentEntry), v.minLength(1), v.maxLength(MAX_SEGMENTS)),
  /** Of whoever publishes it, over all of the above: they are no part of what its digest names. */
  signatures: v.optional(DocumentSignatures, []),
});

/** What an overlay is, and what each of its segments holds; its digest names the overlay. */
export type OverlayManifest = Omit<v.InferOutput<typeof Manifest>, 'signatures'>;

/** A manifest that was read, and what follows from it. */
export interface ReadManifest {
  readonly manifest: OverlayManifest;
  readonly digest: Digest;
  /** The blocks of each disk segment, by its number; no block is in two. */
  readonly blocks: ReadonlyMap<number, readonly BlockRun[]>;
  /** What its signatures are of, and those that it has. */
  readonly signed: SignedDocument;
}

/** The text of a manifest. Same manifest, same bytes: keys have one order. Signatures, where there are any, are behind what they are of. */
export function overlayManifestText(manifest: OverlayManifest, signatures: readonly string[] = []): string {
  const { format, base, about, conditions, diskBytes, service, segments } = manifest;
  const { qemu, accelerator, processor, counterMhz, image, memoryMib, vcpus, workers, content } = conditions;
  const ordered = { qemu, accelerator, processor, counterMhz, image, memoryMib, vcpus, workers, content };
  const entries = segments.map((segment) => {
    const { kind, digest, bytes, expandedBytes } = segment;
    if (kind === 'state') return { kind, digest, bytes, expandedBytes };
    if (kind === 'memory') return { kind, digest, bytes, expandedBytes, pages: segment.pages };
    const { pages, blocks, needs } = segment;
    return { kind, digest, bytes, expandedBytes, pages, blocks, ...(needs.length > 0 && { needs }) };
  });
  return JSON.stringify({
    format,
    base,
    about,
    conditions: ordered,
    diskBytes,
    service,
    segments: entries,
    ...(signatures.length > 0 && { signatures }),
  });
}

/** The digest that names an overlay: that of its manifest's text, however it was written when it came. */
function digestOf(payload: Uint8Array): Digest {
  return digestOfHex(createHash('sha256').update(payload).digest('hex'));
}

/** Reads a manifest that anybody made; `overlay-refused` says what is wrong with it. */
export function readOverlayManifest(text: string): ReadManifest {
  if (text.length > MAX_MANIFEST_BYTES)
    throw refused(`expected at most ${MAX_MANIFEST_BYTES} characters, got ${text.length}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refused('it is torn', error);
  }
  const format = (json as { format?: unknown } | null)?.format;
  if (format !== OVERLAY_FORMAT)
    throw refused(`expected format ${OVERLAY_FORMAT}, got ${JSON.stringify(format) ?? 'none'}; make the overlay anew`);
  const parsed = v.safeParse(Manifest, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refused(`${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  const { signatures, ...manifest } = parsed.output;
  const payload = Buffer.from(overlayManifestText(manifest), 'utf8');
  const signed = { type: 'overlay', payload, signatures } as const;
  return { manifest, digest: digestOf(payload), blocks: checkedBlocks(manifest), signed };
}

/** What the shape alone does not say: order, sums, and that each block is in one segment. */
function checkedBlocks({ segments, conditions, diskBytes }: OverlayManifest): ReadManifest['blocks'] {
  const kinds = ['state', 'memory', 'disk'];
  const ranks = segments.map(({ kind }) => kinds.indexOf(kind));
  if (
    ranks[0] !== 0 ||
    ranks.filter((rank) => rank === 0).length !== 1 ||
    ranks.some((rank, at) => rank < (ranks[at - 1] ?? 0))
  )
    throw refused('expected one segment with the state, then those of the memory, then those of the disk');
  const memoryPages = (conditions.memoryMib * 2 ** 20) / PAGE_BYTES;
  const filled = segments.reduce((sum, each) => sum + (each.kind === 'memory' ? each.pages : 0), 0);
  if (filled > memoryPages) throw refused(`its memory has ${filled} pages of ${memoryPages}`);
  const found = new Map<number, BlockRun[]>();
  const seen: BlockRun[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.kind !== 'disk') continue;
    const runs = blocksOf(segment.blocks, diskBytes / PAGE_BYTES, index);
    const sum = runs.reduce((total, { count }) => total + count, 0);
    if (sum !== segment.pages) throw refused(`segment ${index} has ${segment.pages} pages and ${sum} blocks`);
    for (const need of segment.needs)
      if (need >= index || segments[need]!.kind !== 'disk')
        throw refused(`segment ${index} needs ${need}, which is no disk segment before it`);
    found.set(index, runs);
    seen.push(...runs);
  }
  seen.sort((a, b) => a.at - b.at);
  const twice = seen.find((run, at) => at > 0 && run.at < seen[at - 1]!.at + seen[at - 1]!.count);
  if (twice !== undefined) throw refused(`block ${twice.at} is in two segments`);
  return found;
}

function blocksOf(text: string, limit: number, index: number): BlockRun[] {
  try {
    return decodeBlockSet(text, limit);
  } catch (error) {
    throw refused(`segment ${index}: ${(error as Error).message}`, error);
  }
}

function refused(why: string, cause?: unknown): CloudletError {
  return new CloudletError('overlay-refused', `the manifest of the overlay cannot be used: ${why}`, { cause });
}
