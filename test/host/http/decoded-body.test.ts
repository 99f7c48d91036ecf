import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Digest, dictionaryHead, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import { decoded } from '../../../host/http/decoded-body.ts';
import { requestBody } from '../../../host/http/request-body.ts';
import { SeededRandom } from '../../support/random.ts';

const bodies = suite('a body in a content coding');
const BYTES = Buffer.from('what is sent, again and again. '.repeat(2000));
const DICTIONARY = new SeededRandom(4).bytes(50_000);
const DIGEST = digestOfHex(createHash('sha256').update(DICTIONARY).digest('hex'));
const OTHER = digestOfHex('00'.repeat(32));
const LIMIT = 100_000;

const app = new Hono();
app.post('/', async (c) => {
  const body = requestBody(c as never, { maxBytes: LIMIT });
  const dictionaryOf = async (digest: Digest) => {
    if (digest === DIGEST) return DICTIONARY;
    throw new CloudletError('conflict', 'no such dictionary');
  };
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of decoded(c as never, body, LIMIT, c.req.query('none') ? undefined : dictionaryOf))
      pieces.push(piece);
    return c.body(Buffer.concat(pieces));
  } catch (error) {
    return c.text((error as CloudletError).code, 400);
  }
});

const dcz = (bytes: Uint8Array, dictionary = DICTIONARY, digest = DIGEST): Buffer =>
  Buffer.concat([
    dictionaryHead(digest),
    zstdCompressSync(bytes, { dictionary: dictionary as Uint8Array<ArrayBuffer> }),
  ]);
const LIKE = Buffer.concat([DICTIONARY.subarray(0, 20_000), Buffer.from('changed'), DICTIONARY.subarray(20_000)]);

for (const [encoding, sent, got] of [
  [undefined, BYTES, BYTES],
  ['identity', BYTES, BYTES],
  ['gzip', gzipSync(BYTES), BYTES],
  ['GZIP', gzipSync(BYTES), BYTES],
  ['zstd', zstdCompressSync(BYTES), BYTES],
  ['dcz', dcz(LIKE), LIKE],
  ['br', BYTES, 'media-type-unsupported'],
  ['gzip', BYTES, 'request-invalid'],
  ['zstd', zstdCompressSync(BYTES).subarray(0, 30), 'request-invalid'],
  ['zstd', zstdCompressSync(new Uint8Array(10 * LIMIT)), 'body-too-large'],
  ['gzip', gzipSync(new Uint8Array(10 * LIMIT)), 'body-too-large'],
  ['dcz', dcz(LIKE, DICTIONARY, OTHER), 'conflict'],
  ['dcz', dcz(LIKE).subarray(0, 12), 'request-invalid'],
] as const)
  bodies(
    `${encoding ?? 'no coding'}, ${sent.length} bytes: ${typeof got === 'string' ? got : 'all of it'}`,
    async () => {
      const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
      const response = await app.request('/', { method: 'POST', headers, body: sent as Uint8Array<ArrayBuffer> });
      if (typeof got === 'string') assert.is((await response.text()).slice(0, 60), got);
      else assert.ok(Buffer.from(await response.arrayBuffer()).equals(got));
    },
  );

bodies('a dictionary is of no use where none are found', async () => {
  const headers = { 'content-encoding': 'dcz' };
  const response = await app.request('/?none=1', {
    method: 'POST',
    headers,
    body: dcz(LIKE) as Uint8Array<ArrayBuffer>,
  });
  assert.is(await response.text(), 'media-type-unsupported');
});

bodies.run();
