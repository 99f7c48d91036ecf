import { type Digest, MAX_PART_BYTES, type WantedParts } from '../../protocol/index.ts';
import { type BatchParts, type SharedDictionary, sendBatch } from './batch-sender.ts';
import type { HeldParts } from './held-parts.ts';

/** Bytes of a batch of data: what a guest waits for meanwhile is behind two of them at most, a third of a second at 15 Mbit/s. */
const DATA_BYTES = 256 * 1024;
/** Batches on their way at once: the link never waits for an answer, nor for the next batch to be compressed; with three, not for a cloudlet that does much else. */
const IN_FLIGHT = { early: 2, whole: 3 };

/** What is compressed already: data goes behind the code in one body, so that a short overlay is one. */
const PACKED_BYTES = 1.25 * 1024 * 1024;

/** Data so short, all of it, that it goes as code does: a grant behind a component costs no trip of its own. */
const SHORT_DATA_BYTES = 16 * 1024;

/** Code alone, which nobody waits for before all of it is there: each body costs either end a request. */
const PACKED_CODE_BYTES = 2.5 * 1024 * 1024;

/**
 * Sends parts in the order in which the cloudlet wants them, as it says with each answer: the code first, and alone when all else waits for it, then
 * data in small batches. One body is in the order of its parts, each used as it is there, where bodies beside each other share the link and are all
 * late. `arrived` is told of each batch. What went ahead and did not arrive is left to whoever asks what is still wanted. Resolves with whether an answer
 * said that nothing is.
 */
export async function sendWanted(
  parts: BatchParts,
  digests: readonly Digest[],
  dictionary: SharedDictionary | null,
  arrived: () => void,
): Promise<boolean> {
  const { early = false, ahead } = parts;
  const { parts: list, isPacked = false } = parts.held;
  const lengths = new Map(list.map(({ digest, bytes }) => [digest, bytes]));
  const code = codeOf(parts.held);
  let queue = digests.filter((digest) => ahead?.digests.has(digest) !== true);
  const flying = new Set<Promise<void>>();
  let codeFlying = 0;
  let isAll = false;
  /** Nothing goes beside the code that all else waits for, but more of it where nothing has to be compressed with what came before. */
  const hasRoom = (isCode: boolean): boolean => {
    if (!early) return flying.size < IN_FLIGHT.whole;
    const most = isPacked || ahead !== undefined ? IN_FLIGHT.early : 1;
    if (isCode) return codeFlying === flying.size && codeFlying < most;
    return codeFlying === 0 && flying.size < IN_FLIGHT.early;
  };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {}); // Observed below as long as anything is on its way.
  const send = (isCode: boolean, sending: Promise<WantedParts>, fail: (error: unknown) => void): void => {
    if (isCode) codeFlying += 1;
    const flight = sending
      .then(({ wanted, missing }) => {
        arrived();
        isAll = missing === 0;
        queue = isAll ? [] : inOrderOf(wanted, queue);
      })
      .catch(fail)
      .finally(() => {
        if (isCode) codeFlying -= 1;
        flying.delete(flight);
      });
    flying.add(flight);
  };
  if (ahead !== undefined) {
    const sending = ahead.arrived.then(({ wanted }) => wanted);
    send(true, sending, () => {});
  }
  try {
    for (;;) {
      for (let isCode = code.has(queue[0]!); queue.length > 0 && hasRoom(isCode); isCode = code.has(queue[0]!)) {
        const batch = batchOf(queue, lengths, (digest) => {
          if (!isCode) return code.has(digest) ? 0 : DATA_BYTES;
          if (isPacked) return code.has(digest) ? PACKED_CODE_BYTES : PACKED_BYTES;
          return code.has(digest) ? MAX_PART_BYTES : 0;
        });
        queue = queue.slice(batch.length);
        // What is data is compressed as it is, and unlike any component.
        send(isCode, sendBatch(parts, batch, isCode ? dictionary : null), failed.reject);
      }
      if (flying.size === 0) return isAll;
      await Promise.race([failed.promise, ...flying]);
    }
  } finally {
    await Promise.allSettled(flying);
  }
}

/** What all else waits for. */
export function codeOf({ parts, dataFrom = 0 }: HeldParts): ReadonlySet<Digest> {
  const dataBytes = parts.slice(dataFrom).reduce((sum, { bytes }) => sum + bytes, 0);
  const isShort = dataFrom > 0 && dataBytes <= SHORT_DATA_BYTES;
  return new Set((isShort ? parts : parts.slice(0, dataFrom)).map(({ digest }) => digest));
}

/** The first of a queue, up to one with which they are longer than `most` of it says, one at least. */
export function batchOf(
  queue: readonly Digest[],
  lengths: ReadonlyMap<Digest, number>,
  most: (digest: Digest) => number,
): Digest[] {
  const batch: Digest[] = [];
  let length = 0;
  for (const digest of queue) {
    length += lengths.get(digest) ?? 0;
    if (batch.length > 0 && length > most(digest)) break;
    batch.push(digest);
  }
  return batch;
}

/** The same parts, first those that are wanted next, in their order. */
function inOrderOf(wanted: readonly Digest[], queue: readonly Digest[]): Digest[] {
  const left = new Set(queue);
  const first = wanted.filter((digest) => left.delete(digest));
  return [...first, ...left];
}
