import { setImmediate as turn } from 'node:timers/promises';
import {
  CloudletError,
  type Digest,
  type FunctionWish,
  MAX_PART_BYTES,
  type Published,
} from '../../../../guest-sdk/protocol/index.ts';
import { partRanges } from '../../arrival/part-ranges.ts';
import { FoundChunks } from '../found-chunks.ts';
import type { Offer, Part, PartSource, Rung } from '../rung.ts';
import { functionWish, isAtHand, type Wish } from '../wish.ts';
import { type FunctionRungParts, provisionedFunction } from './function-rungs.ts';

/** `difference`: some chunks of it are here, in other versions or functions; the device sends the rest. */
export function differenceRung(parts: FunctionRungParts): Rung<Wish> {
  return { name: 'difference', offer: (wish, signal) => offer(parts, wish, signal, 'difference') };
}

/** `package`: the device sends all of it. */
export function packageRung(parts: FunctionRungParts): Rung<Wish> {
  return { name: 'package', offer: (wish, signal) => offer(parts, wish, signal, 'package') };
}

/** What is no more than this is here a tenth of a second later, bytes. */
const EARLY_BYTES = 256 * 1024;

type Way = 'difference' | 'package';

async function offer(
  parts: FunctionRungParts,
  wish: Wish,
  signal: AbortSignal,
  way: Way,
): Promise<Offer | { readonly why: string } | null> {
  const want = functionWish(wish);
  if (want === null) return null;
  const list = partsOf(want, wish);
  // Of what is to be fetched elsewhere nobody expects parts.
  if (list === null) return way === 'package' && want.from === undefined ? { why: 'the wish has no parts' } : null;
  const total = list.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > parts.limitBytes) throw tooLarge(parts.limitBytes, total);
  if (way === 'package') {
    // All of it: whether some chunks are here was another way.
    const missing = await notSent(parts, list);
    return sendable(wish, missing, list, provision(parts, want, list, total, isEarly(wish, missing)));
  }
  // Its own first, since whoever comes later may find an end of patience. All that is known already costs a look.
  const blobs = new Set([...parts.blobsOf(want.function), ...parts.allBlobs()]);
  for (const blob of blobs) await parts.chunks.index(blob, signal).catch(ifReadable(signal));
  const counted = new Set<Digest>();
  const missing = await notSent(parts, list, (digest) => {
    const blob = parts.chunks.blobOf(digest);
    if (blob !== undefined) counted.add(blob);
    return blob !== undefined;
  });
  if (wish.dictionary === null && missing.length === (await notSent(parts, list)).length) return null;
  const offered = sendable(wish, missing, list, provision(parts, want, list, total, isEarly(wish, missing)));
  return 'why' in offered ? offered : { ...offered, blobs: counted };
}

/** Whether it may serve before all of it is here, and enough is missing that somebody would notice. */
function isEarly({ early }: Wish, missing: readonly Part[]): boolean {
  return early === true && missing.reduce((sum, { bytes }) => sum + bytes, 0) > EARLY_BYTES;
}

/** The parts of what is wanted; null when the wish names none. What is no longer than a part, and at hand, is one. */
function partsOf({ parts, digest }: FunctionWish, { have }: Wish): readonly Part[] | null {
  if (parts !== undefined) return parts;
  const bytes = digest === undefined ? undefined : have?.get(digest);
  return digest === undefined || bytes === undefined || bytes === 0 || bytes > MAX_PART_BYTES
    ? null
    : [{ digest, bytes }];
}

function sendable(
  wish: Wish,
  missing: readonly Part[],
  reads: readonly Part[],
  provision: Offer['provision'],
): Offer | { readonly why: string } {
  const lost = missing.filter(({ digest }) => !isAtHand(wish, digest));
  if (lost.length === 0) return { missing, reads, provision };
  return { why: `${lost.length} of its parts are neither here nor at hand, such as ${lost[0]!.digest}` };
}

function provision(
  parts: FunctionRungParts,
  { function: name, digest }: FunctionWish,
  list: readonly Part[],
  total: number,
  early: boolean,
): Offer['provision'] {
  return async ({ parts: source, report, serves, signal }) => {
    const start = {
      read: partRanges(list, source, signal),
      serves: (published: Published) => serves?.(provisionedFunction(published)),
      withdraw: (version: Published, why: CloudletError) =>
        parts.withdraw(version, why, () =>
          parts.parts.remove(
            list.map((part) => part.digest),
            () => false,
          ),
        ),
    };
    const found = new FoundChunks();
    const published = await parts.publish(name, bytesOf(list, source, signal), {
      contentLength: total,
      ...{ chunks: found, signal },
      ...(early ? { early: start } : {}),
      ...(digest === undefined ? {} : { versionDigest: digest }),
      // How far the device is, is told by its parts.
      onProgress: (progress) => {
        if (progress.stage !== 'receiving') report(progress);
      },
    });
    const indexing = parts.blobsOf(name).map((blob) => parts.chunks.index(blob, signal, found));
    await Promise.all(indexing.map((each) => each.catch(ifReadable(signal))));
    return provisionedFunction(published);
  };
}

async function* bytesOf(list: readonly Part[], source: PartSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const { digest, bytes } of list) {
    const part = await source.get(digest, signal);
    if (part.length !== bytes)
      throw new CloudletError(
        'request-invalid',
        `expected a part of ${bytes} bytes as the wish says, got ${part.length}: ${digest}`,
      );
    yield part;
  }
}

/** The parts that neither were sent before nor are here otherwise, each once. */
async function notSent(
  { parts }: FunctionRungParts,
  list: readonly Part[],
  isHere: (digest: Digest) => boolean = () => false,
): Promise<Part[]> {
  const seen = new Set<Digest>();
  const missing: Part[] = [];
  for (const part of list) {
    // Each is looked up in the database: not too many in one turn.
    if (seen.size % 256 === 255) await turn();
    if (seen.has(part.digest)) continue;
    seen.add(part.digest);
    if (!parts.has(part.digest) && !isHere(part.digest)) missing.push(part);
  }
  return missing;
}

/** A blob that cannot be read has no chunks to offer; what is given up is given up. */
function ifReadable(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (signal.aborted) throw error;
  };
}

function tooLarge(limitBytes: number, got: number): CloudletError {
  return new CloudletError('body-too-large', `expected parts of at most ${limitBytes} bytes together, got ${got}`);
}
