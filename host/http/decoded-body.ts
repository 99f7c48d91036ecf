import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Context } from 'hono';
import {
  CloudletError,
  DICTIONARY_ENCODING,
  DICTIONARY_HEAD_BYTES,
  type Digest,
  parseDictionaryHead,
} from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from './connection.ts';
import { requestBody, UPLOAD_IDLE_MS } from './request-body.ts';

/** Finds the bytes that a body was compressed with. */
export type DictionaryOf = (digest: Digest) => Promise<Uint8Array>;

/** Bodies that are decoded with a dictionary at once: each takes its length in memory, and as much again. */
const MOST_WITH_DICTIONARY = 8;
let withDictionary = 0;

/**
 * A body without its content coding: gzip, zstd, or, where dictionaries are found, zstd with one. What can be decoded comes as soon as its
 * bytes are there. `body-too-large` beyond `maxBytes` decoded, so that no sender decides about our memory; `request-invalid` for bytes in
 * another coding than is said.
 */
export async function* decoded(
  c: Context<HostContext>,
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  dictionaryOf?: DictionaryOf,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoding = (c.req.header('content-encoding') ?? 'identity').toLowerCase();
  switch (encoding) {
    case 'identity':
      yield* body;
      return;
    case 'gzip':
      yield* through(body, createGunzip(), encoding, maxBytes);
      return;
    case 'zstd':
      yield* through(body, createZstdDecompress(), encoding, maxBytes);
      return;
    default:
      if (encoding !== DICTIONARY_ENCODING || dictionaryOf === undefined) throw unknownEncoding(encoding);
      yield* withDictionaryOf(body, maxBytes, dictionaryOf);
  }
}

/** A whole body without its content coding, at most `maxBytes` long either way. */
export async function readDecoded(c: Context<HostContext>, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const raw = requestBody(c, { maxBytes, idleMs: UPLOAD_IDLE_MS });
  for await (const piece of decoded(c, raw, maxBytes)) pieces.push(piece);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

async function* withDictionaryOf(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  dictionaryOf: DictionaryOf,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (withDictionary >= MOST_WITH_DICTIONARY)
    throw new CloudletError(
      'at-capacity',
      `expected at most ${MOST_WITH_DICTIONARY} bodies with a dictionary at once; send it again in a moment`,
    );
  withDictionary += 1;
  try {
    const source = body[Symbol.asyncIterator]();
    let head = new Uint8Array(0);
    while (head.length < DICTIONARY_HEAD_BYTES) {
      const next = await source.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const digest = parseDictionaryHead(head);
    if (digest === null) throw wrongBytes(DICTIONARY_ENCODING);
    const dictionary = (await dictionaryOf(digest)) as Uint8Array<ArrayBuffer>;
    yield* through(rest(head, source), createZstdDecompress({ dictionary }), DICTIONARY_ENCODING, maxBytes);
  } finally {
    withDictionary -= 1;
  }
}

async function* rest(head: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head.subarray(DICTIONARY_HEAD_BYTES);
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

async function* through(
  body: AsyncIterable<Uint8Array>,
  decoder: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
  encoding: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  let broken: unknown;
  // The reader below hears of the error; what broke the body is told rather than what the decoder makes of it.
  pipeline(Readable.from(watched(body, (error) => (broken = error))), decoder, () => {});
  try {
    for await (const piece of decoder as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > maxBytes)
        throw new CloudletError(
          'body-too-large',
          `expected a body of at most ${maxBytes} bytes when decoded, got more`,
        );
      yield piece;
    }
  } catch (error) {
    if (broken !== undefined) throw broken;
    throw error instanceof CloudletError ? error : wrongBytes(encoding, error);
  } finally {
    decoder.destroy();
  }
}

async function* watched(body: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    failed(error);
    throw error;
  }
}

function wrongBytes(encoding: string, cause?: unknown): CloudletError {
  return new CloudletError('request-invalid', `expected a whole body in ${encoding}, got other bytes`, { cause });
}

function unknownEncoding(encoding: string): CloudletError {
  return new CloudletError(
    'media-type-unsupported',
    `expected Content-Encoding to be gzip or zstd, got ${JSON.stringify(encoding.slice(0, 60))}`,
  );
}
