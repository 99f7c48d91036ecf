import {
  batchHead,
  CloudletError,
  DICTIONARY_ENCODING,
  type Digest,
  dictionaryHead,
  joinPieces,
  PART_BATCH_TYPE,
  WantedParts,
} from '../../protocol/index.ts';
import { isAway, PATIENCE_MS, type Wait } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import type { HeldParts } from './held-parts.ts';
import type { SentAhead } from './sent-ahead.ts';
import { sendWanted } from './wanted-batches.ts';

/** Bytes that the device and the cloudlet both have. */
export interface SharedDictionary {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Where batches go, and who is told. */
export interface BatchParts {
  readonly host: HostAddress;
  /** `/v1/deployments/{id}/parts` */
  readonly path: string;
  readonly held: HeldParts;
  /** What is missing as the deployment began; null: that is asked for. */
  readonly missing: readonly Digest[] | null;
  readonly dictionary: SharedDictionary | null;
  /** Whether it is used before all of it is there: nothing goes beside what it begins with then. */
  readonly early?: boolean;
  /** Those that are on their way already. */
  readonly ahead?: SentAhead | undefined;
  readonly signal: AbortSignal;
  readonly wait: Wait;
  /** Bytes of a body that arrived. */
  readonly sent: (bytes: number) => void;
}

/** Sends all that is missing in batches; after a break, what did not arrive. */
export async function sendBatches(parts: BatchParts): Promise<void> {
  const { host, path, signal, wait } = parts;
  let { missing, dictionary, ahead } = parts;
  for (let away = 0; ; ) {
    try {
      const digests = missing ?? (await allWanted(host, path, signal));
      missing = null;
      if (digests.length === 0) return;
      const arrived = () => {
        away = 0;
      };
      // What did not arrive of it is asked for.
      const onItsWay = ahead;
      ahead = undefined;
      if (await sendWanted({ ...parts, ahead: onItsWay }, digests, dictionary, arrived)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (dictionary !== null && isConflict(error)) {
        // It went meanwhile; the parts go without it.
        dictionary = null;
        continue;
      }
      if (!(isAway(error) || isBroken(error)) || away === PATIENCE_MS.length) throw error;
      await wait(PATIENCE_MS[away]!, signal);
      away += 1;
    }
  }
}

async function allWanted(host: HostAddress, path: string, signal: AbortSignal): Promise<readonly Digest[]> {
  return (await host.json(WantedParts, { path: `${path}?all=true`, signal })).wanted;
}

/** Sends some parts in one body; resolves with what is wanted next. */
export async function sendBatch(
  { host, path, held, signal, sent }: BatchParts,
  digests: readonly Digest[],
  dictionary: SharedDictionary | null,
): Promise<WantedParts> {
  const read = await Promise.all(digests.map((digest) => held.read(digest)));
  const pieces = read.flatMap((bytes, at) => [batchHead(digests[at]!, bytes.length), bytes]);
  const isPacked = held.isPacked === true;
  const { body, encoding } = isPacked
    ? { body: joinPieces(pieces), encoding: null }
    : await encoded(host, pieces, dictionary);
  const headers = {
    'content-type': PART_BATCH_TYPE,
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
    'content-length': String(body.length),
  };
  const wanted = await host.json(WantedParts, { method: 'POST', path, headers, body, signal });
  sent(body.length);
  return wanted;
}

async function encoded(
  { compression }: HostAddress,
  pieces: readonly Uint8Array[],
  dictionary: SharedDictionary | null,
): Promise<{ readonly body: Uint8Array; readonly encoding: string }> {
  if (dictionary === null || compression.withDictionary === null)
    return { body: await compression.compress(pieces), encoding: compression.encoding };
  const head = dictionaryHead(dictionary.digest);
  const rest = await compression.withDictionary(pieces, dictionary.bytes);
  const body = new Uint8Array(head.length + rest.length);
  body.set(head);
  body.set(rest, head.length);
  return { body, encoding: DICTIONARY_ENCODING };
}

function isConflict(error: unknown): boolean {
  return error instanceof CloudletError && error.code === 'conflict';
}

function isBroken(error: unknown): boolean {
  return error instanceof CloudletError && (error.code === 'body-truncated' || error.code === 'request-timeout');
}
