import type { Digest, WantedParts } from '../../protocol/index.ts';
import type { Wait } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import { sendBatch } from './batch-sender.ts';
import type { HeldParts } from './held-parts.ts';
import { batchOf, codeOf } from './wanted-batches.ts';

/**
 * Bytes of parts that go beside the question, at most: about what a link takes while that is answered. A cloudlet that has them already and is slow to say so
 * gets them all the same.
 */
const AHEAD_BYTES = 192 * 1024;

/** The same of code that is compressed as it goes, before that. */
const AHEAD_CODE_BYTES = 448 * 1024;

/** Parts that go while it is still asked whether they are wanted. */
export interface SentAhead {
  readonly digests: ReadonlySet<Digest>;
  /** Resolves when they arrived, with what is wanted next and the bytes that went; rejects when they did not all arrive. */
  readonly arrived: Promise<{ readonly wanted: WantedParts; readonly bytes: number }>;
  /** Leaves what has not gone yet. */
  readonly leave: () => void;
}

/**
 * The parts that go beside the question: the first of an overlay, which a device deploys where it comes to, and which begin with what all else waits for; of a package its code alone, since
 * data comes in the order in which it is wanted. Of what a cloudlet has, or has in part, as a rule, no byte is to go unasked. None when the first is a long one.
 */
export function firstParts(held: HeldParts): readonly Digest[] {
  const { parts, isPacked = false, inBatches } = held;
  const [first] = parts;
  const code = codeOf(held);
  const most = (digest: Digest) => (isPacked ? AHEAD_BYTES : code.has(digest) ? AHEAD_CODE_BYTES : 0);
  if (inBatches !== true || first === undefined || first.bytes > most(first.digest)) return [];
  const lengths = new Map(parts.map(({ digest, bytes }) => [digest, bytes]));
  return batchOf([...lengths.keys()], lengths, most);
}

/** Sends the first parts of a deployment beside the question, which asks for it under this id: nothing of the answer is needed for them. */
export function sendAhead(
  host: HostAddress,
  held: HeldParts,
  digests: readonly Digest[],
  id: string,
  { signal, wait }: { readonly signal: AbortSignal | undefined; readonly wait: Wait },
): SentAhead {
  const left = new AbortController();
  let bytes = 0;
  const sending = sendBatch(
    {
      ...{ host, path: pathOfParts(id), held, missing: digests, dictionary: null, wait },
      signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
      sent: (count) => {
        bytes = count;
      },
    },
    digests,
    null,
  );
  const arrived = sending.then((wanted) => ({ wanted, bytes }));
  arrived.catch(() => {}); // What did not arrive is asked for.
  return { digests: new Set(digests), arrived, leave: () => left.abort() };
}

/** Where a deployment's parts go. */
export function pathOfParts(id: string): string {
  return `/v1/deployments/${encodeURIComponent(id)}/parts`;
}

/** An id for a deployment. `crypto.randomUUID` is for pages that came over https alone. */
export function newDeploymentId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
