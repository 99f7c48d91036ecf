import { ReadableStream } from 'node:stream/web';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient, type Transport, type TransportResponse } from '../../../guest-sdk/client/index.ts';
import {
  canonicalBytes,
  type Digest,
  type EntryInfo,
  type EntryManifest,
  fingerprintOf,
  newPublisherKey,
  type PublisherKey,
  signDetached,
} from '../../../guest-sdk/protocol/index.ts';
import { TOKEN, testHost } from '../../host/memory-engine.ts';
import { application, type CatalogueLab, digestOf, openCatalogueLab, utf8 } from '../../support/catalogue-lab.ts';
import { refused } from '../../support/refusal.ts';

const stores = suite<{ lab: CatalogueLab; transport: Transport; asked: string[] }>('the store of a client');

const APK = new Uint8Array(1_000_000).map((_, i) => (i * 7) ^ (i >> 8));
const NOTES = application('notes', [['notes.apk', APK]]) as EntryManifest;
const [FILE] = NOTES.files!;
const URL_HERE = 'http://localhost';

stores.before.each(async (world) => {
  world.lab = await openCatalogueLab();
  const { app, engine } = testHost();
  engine.catalogue = world.lab.catalogue;
  world.asked = [];
  world.transport = async ({ method, url, headers, body, signal }) => {
    world.asked.push(`${method} ${new URL(url).pathname} ${headers['range'] ?? ''}`.trim());
    const stream = body === undefined || body instanceof Uint8Array ? body : ReadableStream.from(body);
    const answer = await app.request(url, {
      method,
      headers,
      ...(signal === undefined ? {} : { signal }),
      ...(stream === undefined ? {} : { body: stream as unknown as BodyInit, duplex: 'half' }),
    });
    return {
      status: answer.status,
      header: (name) => answer.headers.get(name),
      body: (answer.body ?? ReadableStream.from([])) as AsyncIterable<Uint8Array>,
      trailer: () => null,
    };
  };
});
stores.after.each(({ lab }) => lab.close());

const client = (transport: Transport) => createClient({ url: URL_HERE, token: TOKEN, transport });
const fingerprint = ({ d: _, ...key }: JsonWebKey) => fingerprintOf(key as PublisherKey);
async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

stores('sends what is missing, opens what it put, and has the bytes that were signed', async ({ transport, asked }) => {
  const { store } = client(transport);
  const key = await newPublisherKey();
  const signature = await signDetached(canonicalBytes(NOTES), key, 'entry');
  const sent: Digest[] = [];
  const put = () => store.put(NOTES, { signature, open: () => APK, onFile: (digest) => sent.push(digest) });
  assert.equal([(await put()).revision, (await put()).created, sent], [1, false, [digestOf(APK)]]);
  const opened = await store.open('notes', { publishers: [fingerprint(key)] });
  assert.is(opened.publisher, fingerprint(key));
  assert.equal(await collect(opened.file(FILE!)), APK);
  assert.equal((await store.list({ q: 'notes', tags: [], page: 1 })).total, 1);
  assert.equal((await store.install('notes', { os: 'ios' })).files.length, 1);
  await store.remove('notes');
  await refused(() => store.entry('notes'), 'store-unknown', /notes/);
  assert.is(asked.filter((each) => each.endsWith('/files')).length, 1);
});

/** A transport that lies about the entry. */
const lying =
  (transport: Transport, change: (info: EntryInfo) => unknown): Transport =>
  async (request) => {
    const response = await transport(request);
    if (!request.url.endsWith('/v1/store/notes')) return response;
    const info = JSON.parse(new TextDecoder().decode(await collect(response.body))) as EntryInfo;
    return {
      ...response,
      body: ReadableStream.from([utf8(JSON.stringify(change(info)))]) as AsyncIterable<Uint8Array>,
    };
  };

for (const [lie, change, sentence] of [
  ['another title', (info: EntryInfo) => ({ ...info, manifest: { ...info.manifest, title: 'Evil' } }), /digest/],
  [
    'another file with its digest',
    (info: EntryInfo) => ({
      ...info,
      manifest: application('notes', [['notes.apk', utf8('evil')]]),
      digest: 'sha256:00',
    }),
    /digest|other bytes/,
  ],
  ['no signature', (info: EntryInfo) => ({ ...info, signature: null }), /no signature/],
  ['a signature of another', (info: EntryInfo) => ({ ...info, signature: OTHER }), /signed by|other bytes/],
  ['another entry', (info: EntryInfo) => ({ ...info, manifest: { ...info.manifest, name: 'other' } }), /"notes"/],
] as const) {
  stores(`finds a cloudlet that shows ${lie}`, async ({ transport }) => {
    const key = await newPublisherKey();
    OTHER = await signDetached(canonicalBytes(NOTES), await newPublisherKey(), 'entry');
    await client(transport).store.put(NOTES, {
      signature: await signDetached(canonicalBytes(NOTES), key, 'entry'),
      open: () => APK,
    });
    const { store } = client(lying(transport, change));
    await refused(() => store.open('notes', { publishers: [fingerprint(key)] }), 'signature-invalid', sentence);
  });
}
let OTHER = '';

/** A transport whose files are changed on their way. */
const changing =
  (
    transport: Transport,
    change: (response: TransportResponse, range: string | undefined) => TransportResponse,
  ): Transport =>
  async (request) => {
    const response = await transport(request);
    return request.url.includes('/files/') ? change(response, request.headers['range']) : response;
  };
const pieces = (
  body: AsyncIterable<Uint8Array>,
  change: (piece: Uint8Array, at: number) => readonly Uint8Array[] | Error,
) =>
  (async function* () {
    let at = 0;
    for await (const piece of body) {
      const changed = change(piece, at);
      if (changed instanceof Error) throw changed;
      yield* changed;
      at += piece.length;
    }
  })();

for (const [what, change] of [
  [
    'a bit turned',
    (piece: Uint8Array, at: number) => [at === 0 ? piece.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) : piece],
  ],
  ['a byte more', (piece: Uint8Array, at: number) => (at === 0 ? [piece, utf8('x')] : [piece])],
  ['its end missing', (piece: Uint8Array, at: number) => (at === 0 ? [piece] : [])],
] as const) {
  stores(`gives no whole file with ${what}`, async ({ transport }) => {
    const { store } = client(
      changing(transport, (response) => ({ ...response, status: 200, body: pieces(response.body, change) })),
    );
    await store.put(NOTES, { open: () => APK });
    const opened = await store.open('notes', { publishers: 'anyone' });
    let received = 0;
    await refused(
      async () => {
        for await (const piece of opened.file(FILE!)) received += piece.length;
      },
      'storage-corrupt',
      /expected the bytes of sha256/,
    );
    assert.ok(received < APK.length);
  });
}

stores('goes on where a transfer broke off', async ({ transport, asked }) => {
  let breaks = 2;
  const { store } = client(
    changing(transport, (response) => ({
      ...response,
      body: pieces(response.body, (piece, at) => (at > 0 && breaks-- > 0 ? new TypeError('terminated') : [piece])),
    })),
  );
  await store.put(NOTES, { open: () => APK });
  const opened = await store.open('notes', { publishers: 'anyone' });
  assert.equal(await collect(opened.file(FILE!)), APK);
  const ranges = asked.filter((each) => each.includes(' bytes=')).map((each) => each.split(' ')[2]);
  assert.equal(ranges, ['bytes=262144-', 'bytes=524288-']);
});

stores('gives up a transfer that never brings anything', async ({ transport, asked }) => {
  const { store } = client(
    changing(transport, (response) => ({
      ...response,
      body: pieces(response.body, () => new TypeError('terminated')),
    })),
  );
  await store.put(NOTES, { open: () => APK });
  const opened = await store.open('notes', { publishers: 'anyone' });
  let thrown: unknown;
  await collect(opened.file(FILE!)).catch((error: unknown) => {
    thrown = error;
  });
  assert.match(String(thrown), /terminated/);
  assert.is(asked.filter((each) => each.includes('/files/')).length, 3);
});

stores.run();
