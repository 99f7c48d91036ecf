import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fetchTransport,
  parseRegistryReference,
  pullPackage,
  pushPackage,
  type Transport,
} from '../../../../guest-sdk/client/index.ts';
import { newPublisherKey, signDetached } from '../../../../guest-sdk/protocol/index.ts';
import { TOKEN } from '../../../host/memory-engine.ts';
import { SeededRandom } from '../../../support/random.ts';
import { refused } from '../../../support/refusal.ts';
import { COMPONENT, packageOf, RegistryLab } from '../../../support/registry-lab.ts';

const registry = suite('a package in a registry');

let lab: RegistryLab;
registry.before.each(async () => {
  lab = await RegistryLab.open();
});
registry.after.each(() => lab.close());

const REFERENCE = parseRegistryReference('oci://localhost/fn');

/** Requests as they were sent, and answers that a test puts in the way of the registry's. */
function transportOf(instead: (url: URL, request: Request) => Response | undefined = () => undefined) {
  const sent: { method: string; url: string; authorization: string | null }[] = [];
  const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    sent.push({ method: request.method, url: request.url, authorization: request.headers.get('authorization') });
    const headers = Object.fromEntries(request.headers);
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
    return (
      instead(url, request) ??
      (await lab.askAnonymously(`${url.pathname}${url.search}`, { method: request.method, headers, body }))
    );
  };
  return { sent, transport: fetchTransport(send as typeof fetch) as Transport };
}

const credentials = `anybody:${TOKEN}`;

registry('goes there and back with its signature, and is not sent twice', async () => {
  const key = await newPublisherKey();
  const written = await packageOf({ arguments: ['x'] }, [], (manifest) => signDetached(manifest, key, 'package'));
  const { transport } = transportOf();
  const pushed = await pushPackage(REFERENCE, written, { transport, credentials });
  assert.equal([pushed.digest, pushed.sentBytes], [written.digest, pushed.totalBytes]);
  assert.is((await pushPackage(REFERENCE, written, { transport, credentials })).sentBytes, 0);
  for (const text of ['oci://localhost/fn', 'oci://localhost/fn:1', `oci://localhost/fn@${written.digest}`]) {
    const pulled = await pullPackage(parseRegistryReference(text), { transport, credentials });
    assert.equal(Buffer.concat(pulled.pieces), Buffer.concat(written.pieces));
  }
});

registry('a registry with a token service is asked with its token, which goes to nobody else', async () => {
  await pushPackage(REFERENCE, await packageOf({ arguments: ['x'] }), {
    transport: transportOf().transport,
    credentials,
  });
  const elsewhere = 'https://blobs.example';
  const { sent, transport } = transportOf((url, request) => {
    if (url.origin === elsewhere) return undefined;
    if (url.pathname === '/token') return Response.json({ token: TOKEN });
    if (request.headers.get('authorization') === null)
      return new Response(null, {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="https://auth.example/token",service="s"' },
      });
    return url.pathname.includes('/blobs/') ? Response.redirect(`${elsewhere}${url.pathname}`) : undefined;
  });
  const error = await pullPackage(REFERENCE, { transport, credentials: 'u:p' }).catch((thrown) => thrown);
  assert.is(error.code, 'forbidden', 'the storage asks for what it is not given');
  const token = sent.find(({ url }) => url.startsWith('https://auth.example/token'))!;
  assert.equal(
    [token.url, token.authorization],
    ['https://auth.example/token?service=s&scope=repository%3Afn%3Apull', `Basic ${btoa('u:p')}`],
  );
  assert.equal(
    [...new Set(sent.filter(({ url }) => url.startsWith(elsewhere)).map((each) => each.authorization))],
    [null],
  );
});

for (const [what, instead, code, sentence] of [
  [
    'another digest than was asked for',
    (url: URL) => (url.pathname.includes('/manifests/') ? new Response('{}') : undefined),
    'package-invalid',
    /with digest/,
  ],
  [
    'a part of other bytes',
    (url: URL) => (url.pathname.includes('/blobs/') ? new Response('x') : undefined),
    'package-invalid',
    /a part of \d+ bytes/,
  ],
  [
    'an endless manifest',
    (url: URL) => (url.pathname.includes('/manifests/') ? new Response(new Uint8Array(600_000)) : undefined),
    'result-too-large',
    /at most/,
  ],
  [
    'a redirect to plain HTTP',
    () => Response.redirect('http://evil.example/'),
    'network-unavailable',
    /an address of https/,
  ],
  ['a redirect to nowhere', () => redirect('http://['), 'network-unavailable', /an address, got/],
  ['a redirect to a file', () => redirect('file:///etc/passwd'), 'network-unavailable', /an address of https/],
  [
    'a token service that is no address',
    () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://[",service="s"' } }),
    'network-unavailable',
    /an address, got/,
  ],
  ['redirects without an end', (url: URL) => Response.redirect(url), 'network-unavailable', /at most 5 redirects/],
  [
    'a page',
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    'package-invalid',
    /with digest/,
  ],
  [
    'credentials that are wrong',
    () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    'forbidden',
    /user:password/,
  ],
  [
    'a conflict',
    () => Response.json({ errors: [{ code: 'DENIED', message: 'it was version 1' }] }, { status: 409 }),
    'conflict',
    /refuses: DENIED, it was version 1/,
  ],
  ['a failure', () => new Response('no', { status: 500 }), 'network-unavailable', /another answer than 500/],
] as const) {
  registry(`${what} is refused`, async () => {
    const { digest } = await pushPackage(REFERENCE, await packageOf(), {
      transport: transportOf().transport,
      credentials,
    });
    const { transport } = transportOf(instead as (url: URL) => Response | undefined);
    const reference = parseRegistryReference(`oci://localhost/fn@${digest}`);
    await refused(() => pullPackage(reference, { transport, credentials }), code, sentence);
  });
}

for (const [what, stalled] of [
  ['says nothing', () => new Promise<Response>(() => {})],
  [
    'stops within an answer',
    () => new Response(new ReadableStream({ start: (body) => body.enqueue(Uint8Array.of(1)) })),
  ],
] as const)
  registry(`one that ${what} is not waited for without an end`, async () => {
    const transport = fetchTransport((async () => stalled()) as typeof fetch) as Transport;
    await refused(() => pullPackage(REFERENCE, { transport, idleMs: 20 }), 'network-unavailable', /nothing came for/);
  });

/** An answer whose body breaks off behind its first `bytes`. */
function broken(response: Response, bytes: number): Response {
  let left = bytes;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      if (left > 0) controller.enqueue(piece.slice(0, left));
      left -= piece.length;
      if (left <= 0) controller.error(new TypeError('terminated'));
    },
  });
  return new Response(response.body!.pipeThrough(cut), response);
}

for (const [what, ranges, most] of [
  ['goes on behind the break', true, 1.05],
  ['is sent again by a registry without ranges, and is the same', false, 3],
] as const)
  registry(`a part that breaks off ${what}`, async () => {
    const data = new SeededRandom(7).bytes(2 ** 20);
    const files: [string, Uint8Array][] = [['data/a', data]];
    const written = await packageOf({ files: [{ path: '/d', from: 'data' }] }, files);
    await pushPackage(REFERENCE, written, { transport: transportOf().transport, credentials });
    const waits: number[] = [];
    let received = 0;
    let breaks = 0;
    const { transport } = transportOf();
    const cutting: Transport = async (request) => {
      const range = ranges ? request.headers['range'] : undefined;
      const { range: _, ...headers } = request.headers as Record<string, string>;
      const response = await transport({
        ...request,
        headers: { ...headers, ...(range === undefined ? {} : { range }) },
      });
      return { ...response, body: cutBody(response.body) };
    };
    async function* cutBody(body: AsyncIterable<Uint8Array>) {
      let here = 0;
      for await (const piece of body)
        for (let at = 0; at < piece.length; at += 10_000) {
          const part = piece.subarray(at, at + 10_000);
          received += part.length;
          here += part.length;
          yield part;
          if (here > 400_000 && breaks < 2) {
            breaks += 1;
            throw new TypeError('terminated');
          }
        }
    }
    const wait = async (ms: number) => void waits.push(ms);
    const pulled = await pullPackage(REFERENCE, { transport: cutting, credentials, wait });
    assert.equal(Buffer.concat(pulled.pieces), Buffer.concat(written.pieces));
    assert.equal([breaks, waits.length], [2, 2]);
    const total = written.sizeBytes;
    assert.ok(received <= total * most, `${received} of ${total} bytes came`);
    assert.ok(ranges || received > total * 1.3);
  });

registry('one that breaks off again and again is given up', async () => {
  const written = await packageOf({ files: [{ path: '/d', from: 'data' }] }, [['data/a', new Uint8Array(100_000)]]);
  await pushPackage(REFERENCE, written, { transport: transportOf().transport, credentials });
  const { transport } = transportOf((url, request) => {
    if (!url.pathname.includes('/blobs/')) return undefined;
    return request.headers.has('range') ? new Response(null, { status: 503 }) : broken(new Response(COMPONENT), 10);
  });
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  await refused(() => pullPackage(REFERENCE, { transport, credentials, wait }), 'network-unavailable', /503/);
  assert.is(waits.length, 6);
});

function redirect(location: string): Response {
  return new Response(null, { status: 307, headers: { location } });
}

registry('a registry on another computer is asked by HTTPS unless told otherwise', async () => {
  for (const [insecure, origin] of [
    [false, 'https://images.example'],
    [true, 'http://images.example'],
  ] as const) {
    const { sent, transport } = transportOf(() => new Response(null, { status: 404 }));
    const reference = parseRegistryReference('oci://images.example/a/b:c');
    await refused(() => pullPackage(reference, { transport, insecure }), 'not-found', /is not there/);
    assert.is(sent[0]!.url, `${origin}/v2/a/b/manifests/c`);
  }
});

for (const text of [
  'oci://',
  'oci://host',
  'oci://host/',
  'oci://host/UPPER',
  'oci://host/a:',
  'oci://host/a@sha256:1',
  'oci://host/../a',
  'oci://user:pw@host/a',
  'oci://host/a?b',
  `oci://host/${'a'.repeat(600)}`,
])
  registry(`${text.slice(0, 40)} is no address in a registry`, async () => {
    await refused(() => parseRegistryReference(text), 'request-invalid', /oci:\/\/HOST/);
  });

registry.run();
