import { createHash } from 'node:crypto';
import { CloudletError, type Digest, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../../grant/index.ts';
import { openBody } from '../../deployment/function/open-body.ts';
import type { PartSource } from '../../deployment/rung.ts';
import { HEAD_BYTES, manifestBytes } from '../overlay-file.ts';
import { MAX_MANIFEST_BYTES, type ReadManifest, readOverlayManifest } from '../overlay-manifest.ts';
import { PieceReader } from './piece-reader.ts';

/** Tries of a segment that breaks off, where a server has ranges. */
const TRIES = 3;

/** Bytes that are held of a server without ranges which were not asked for yet: it gives all in one order. */
const MAX_AHEAD_BYTES = 64 * 2 ** 20;

/** An overlay on a server. Whoever opens it closes it. */
export interface RemoteOverlay extends PartSource {
  readonly overlay: ReadManifest;
  close(): void;
}

type Policy = Pick<HostPolicy, 'http' | 'privateNetworks'>;

/**
 * Opens an overlay at an address, by the rules of what functions ask for: its manifest is read, segments are fetched when they are asked for. Each on
 * its own, and again when it breaks off, where the server has ranges; else one behind the other. `network-unavailable` or `overlay-refused` says why not.
 */
export async function openRemoteOverlay(address: string, policy: Policy, signal: AbortSignal): Promise<RemoteOverlay> {
  const body = await openBody(address, policy, signal, { start: 0, end: HEAD_BYTES + MAX_MANIFEST_BYTES });
  try {
    const reader = new PieceReader(body.bytes, address);
    const length = manifestBytes(await reader.take(HEAD_BYTES), address);
    const overlay = readOverlayManifest((await reader.take(length)).toString('utf8'));
    if (!body.isPart) return { overlay, ...inOrder(overlay, reader, address), close: body.close };
    body.close();
    return { overlay, ...byRanges(overlay, HEAD_BYTES + length, { address, policy }), close: () => undefined };
  } catch (error) {
    body.close();
    throw error;
  }
}

function byRanges(
  { manifest }: ReadManifest,
  begin: number,
  { address, policy }: { readonly address: string; readonly policy: Policy },
): PartSource {
  const places = new Map<Digest, { readonly start: number; readonly end: number }>();
  let start = begin;
  for (const { digest, bytes } of manifest.segments) {
    places.set(digest, { start, end: start + bytes });
    start += bytes;
  }
  const segments = new Map<Digest, Promise<Uint8Array>>();
  const fetched = async (digest: Digest, signal: AbortSignal): Promise<Uint8Array> => {
    const range = places.get(digest)!;
    for (let left = TRIES; ; left -= 1) {
      try {
        const body = await openBody(address, policy, signal, range);
        try {
          if (!body.isPart) throw changed(address, digest);
          const bytes = await new PieceReader(body.bytes, address).take(range.end - range.start);
          return verified(bytes, digest, address);
        } finally {
          body.close();
        }
      } catch (error) {
        const isPassing = error instanceof CloudletError && error.code === 'network-unavailable';
        if (signal.aborted || !isPassing || left === 1) throw error;
      }
    }
  };
  return {
    get: (digest, signal = new AbortController().signal) => {
      // Who waits for one that is on its way waits for that.
      const running = segments.get(digest);
      if (running !== undefined) return running.then(ownCopy);
      const segment = fetched(digest, signal).finally(() => segments.delete(digest));
      segments.set(digest, segment);
      return segment.then(ownCopy);
    },
  };
}

function inOrder({ manifest }: ReadManifest, reader: PieceReader, address: string): PartSource {
  const { segments } = manifest;
  const held = new Map<Digest, Uint8Array>();
  let [next, heldBytes] = [0, 0];
  let turn: Promise<unknown> = Promise.resolve();
  /** Reads on until it has come; what comes before it is kept. */
  const readTo = async (digest: Digest): Promise<Uint8Array> => {
    for (; !held.has(digest); next += 1) {
      const entry = segments[next];
      if (entry === undefined) throw new CloudletError('not-found', `${address} has no segment ${digest}`);
      if (heldBytes + entry.bytes > MAX_AHEAD_BYTES) throw unordered(address);
      held.set(entry.digest, verified(await reader.take(entry.bytes), entry.digest, address));
      heldBytes += entry.bytes;
    }
    return held.get(digest)!;
  };
  const asked = new Map<Digest, Promise<Uint8Array>>();
  return {
    get: (digest) => {
      const before = asked.get(digest);
      if (before !== undefined) return before.then(ownCopy);
      const segment = turn.then(() => readTo(digest));
      turn = segment.catch(() => undefined); // Whoever asked is told; the next finds the same.
      asked.set(digest, segment);
      return segment.then(ownCopy).finally(() => {
        heldBytes -= held.get(digest)?.length ?? 0;
        held.delete(digest);
      });
    },
  };
}

/** Whoever gets a segment may give its bytes away; two may ask for one. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.slice();
}

function verified(bytes: Uint8Array, digest: Digest, address: string): Uint8Array {
  const got = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
  if (got !== digest)
    throw new CloudletError('overlay-refused', `${address}: expected the segment ${digest}, got ${got}`);
  return bytes;
}

function changed(address: string, digest: Digest): CloudletError {
  const sentence = `${address}: expected a part of it for the segment ${digest}, got all: the server gave ranges before`;
  return new CloudletError('network-unavailable', sentence);
}

function unordered(address: string): CloudletError {
  const sentence = `${address}: expected a server with ranges, since the service reads far ahead in this overlay; put it on another, or push it: npx cloudlet deploy FILE`;
  return new CloudletError('network-unavailable', sentence);
}
