import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import { encodeBlockSet } from '../block-set.ts';
import type { SegmentEntry } from '../overlay-manifest.ts';
import { PAGE_BYTES, type PageRun } from '../page-run.ts';
import { encodeSegment, encodeState, expandedBytes, type Segment } from '../segment.ts';
import type { ReadPages } from './changed-pages.ts';
import { chooseDictionary } from './dictionary.ts';
import type { PlannedSegment } from './segment-plan.ts';

/** How segments are written. */
export interface WriteSegmentsOptions {
  readonly level: number;
  /** Segments that are compressed at once, each by a thread. */
  readonly atOnce: number;
  readonly onSegment?: (done: number, total: number) => void;
}

/** Writes segments one behind the other and gives what the manifest says of each: the state's first, then those of the plan. */
export async function writeSegments(
  file: FileHandle,
  state: Uint8Array,
  plan: readonly PlannedSegment[],
  read: ReadPages,
  { level, atOnce, onSegment }: WriteSegmentsOptions,
): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = [];
  const packedState = await encodeState(state, level);
  await file.write(packedState);
  entries.push({ kind: 'state', ...identified(packedState), expandedBytes: state.length });
  for (let at = 0; at < plan.length; at += atOnce) {
    const batch = plan.slice(at, at + atOnce);
    const packed = await Promise.all(batch.map((planned) => pack(planned, read, level)));
    for (const [index, { bytes, expanded }] of packed.entries()) {
      await file.write(bytes);
      entries.push(entryOf(batch[index]!, bytes, expanded));
    }
    onSegment?.(at + batch.length, plan.length);
  }
  return entries;
}

async function pack(
  planned: PlannedSegment,
  read: ReadPages,
  level: number,
): Promise<{ bytes: Uint8Array; expanded: number }> {
  const source = ({ source, from }: { source: Parameters<ReadPages>[0]; from: number }, into: Uint8Array) =>
    read(source, from, into);
  const segment: Segment = { dictionary: [], runs: planned.runs, literals: literalsOf(planned, read) };
  const plain = await encodeSegment(segment, level, source);
  const dictionary = chooseDictionary(planned, read);
  if (dictionary.length === 0) return { bytes: plain, expanded: expandedBytes(segment) };
  const against = { ...segment, dictionary };
  const smaller = await encodeSegment(against, level, source);
  return smaller.length < plain.length
    ? { bytes: smaller, expanded: expandedBytes(against) }
    : { bytes: plain, expanded: expandedBytes(segment) };
}

/** The bytes of a segment's literal pages, in the order of its runs. */
export function literalsOf({ kind, runs }: PlannedSegment, read: ReadPages): Uint8Array {
  const literal = runs.filter((run) => run.kind === 'literal');
  const bytes = Buffer.alloc(literal.reduce((sum, { count }) => sum + count, 0) * PAGE_BYTES);
  let done = 0;
  for (const { at, count } of literal) {
    read(kind, at, bytes.subarray(done, done + count * PAGE_BYTES));
    done += count * PAGE_BYTES;
  }
  return bytes;
}

function entryOf({ kind, runs, pages, needs }: PlannedSegment, packed: Uint8Array, expanded: number): SegmentEntry {
  const common = { ...identified(packed), expandedBytes: expanded, pages };
  if (kind === 'memory') return { kind, ...common };
  // In the manifest the state stands before the plan's segments.
  return { kind, ...common, blocks: encodeBlockSet(blocksOf(runs)), needs: needs.map((need) => need + 1) };
}

function* blocksOf(runs: readonly PageRun[]): Generator<number> {
  for (const { at, count } of runs) for (let index = 0; index < count; index++) yield at + index;
}

function identified(bytes: Uint8Array) {
  return { digest: digestOfHex(createHash('sha256').update(bytes).digest('hex')), bytes: bytes.length };
}
