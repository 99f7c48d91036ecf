import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkPort, type Front, type FrontRequest, openFront, placeBelow } from '../../../../host/cli/dev/front.ts';
import { refused } from '../../../support/refusal.ts';

const test = suite('the front of a function that is developed');
let host: Server;
let front: Front;
let seen: FrontRequest[] = [];

test.before(async () => {
  host = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const url = incoming.url ?? '';
      if (url.endsWith('/throws')) {
        const text = 'The function failed; its log says why.\n';
        const headers = {
          'content-type': 'text/plain',
          'content-length': text.length,
          'cloudlet-invocation-id': 'i-1',
        };
        return outgoing.writeHead(500, headers).end(text);
      }
      if (url.endsWith('/own') || url.endsWith('/long')) {
        outgoing.writeHead(500, { 'content-type': 'text/plain' });
        return outgoing.end(url.endsWith('/own') ? 'my own words' : 'x'.repeat(300_000));
      }
      if (url.endsWith('/traps')) {
        const problem = JSON.stringify({ detail: 'the function trapped', instance: '/v1/invocations/i-2' });
        return outgoing.writeHead(502, { 'content-type': 'application/problem+json' }).end(problem);
      }
      const { authorization, host: name } = incoming.headers;
      outgoing.writeHead(200, { 'x-own': 'kept' });
      outgoing.end(JSON.stringify([incoming.method, url, authorization, name, Buffer.concat(chunks).toString()]));
    });
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const { port } = host.address() as AddressInfo;
  front = await openFront({
    port: 0,
    url: `http://127.0.0.1:${port}`,
    name: 'thumb',
    token: 'secret',
    explain: async (invocation) => (invocation === 'i-1' ? 'RangeError: <boom>\n  at f (src/f.ts:1:1)' : null),
    onRequest: (each) => seen.push(each),
  });
});
test.before.each(() => {
  seen = [];
});
test.after(async () => {
  await front.close();
  host.closeAllConnections();
  host.close();
});

test('asks the function for the path, as the owner, with what was sent', async () => {
  const answer = await fetch(`${front.url}/a?b=c`, {
    method: 'POST',
    body: 'text',
    headers: { authorization: 'mine' },
  });
  const [method, url, authorization, name, body] = (await answer.json()) as string[];
  assert.equal([method, url, authorization, body], ['POST', '/f/thumb/a?b=c', 'Bearer secret', 'text']);
  assert.match(name!, /^127\.0\.0\.1:/);
  assert.is(answer.headers.get('x-own'), 'kept');
  assert.equal(
    seen.map(({ method, path, status }) => [method, path, status]),
    [['POST', '/a?b=c', 200]],
  );
});

for (const [what, path, accept, type, words] of [
  [
    'says why a function has thrown',
    '/throws',
    '*/*',
    /^text\/plain/,
    /^RangeError: <boom>\n {2}at f \(src\/f\.ts:1:1\)\n$/,
  ],
  ['says it in a page to a browser', '/throws', 'text/html', /^text\/html/, /<pre>RangeError: &lt;boom&gt;/],
  ['says what the host says of a trap', '/traps', '*/*', /^text\/plain/, /^the function trapped\n$/],
] as const)
  test(what, async () => {
    const answer = await fetch(`${front.url}${path}`, { headers: { accept } });
    assert.ok(answer.status >= 500);
    assert.match(answer.headers.get('content-type')!, type);
    assert.match(await answer.text(), words);
  });

for (const [path, length] of [
  ['/own', 12],
  ['/long', 300_000],
] as const)
  test(`leaves a failure that the function tells itself as it is: ${path}`, async () => {
    const answer = await fetch(`${front.url}${path}`);
    assert.equal([answer.status, (await answer.text()).length], [500, length]);
  });

for (const [origin, status] of [
  ['http://localhost:5173', 200],
  ['http://127.0.0.1', 200],
  ['https://evil.example', 403],
  ['http://localhost.evil.example', 403],
  ['null', 403],
] as const)
  test(`answers ${status} to a page of ${origin}`, async () => {
    const answer = await fetch(`${front.url}/`, { method: 'POST', headers: { origin }, body: 'x' });
    await answer.arrayBuffer();
    assert.is(answer.status === 403 ? 403 : 200, status);
  });

test('answers nobody who came by another name', async () => {
  const status = await new Promise((resolve) => {
    const { port } = new URL(front.url);
    request({ host: '127.0.0.1', port, headers: { host: 'evil.example' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).end();
  });
  assert.is(status, 421);
});

for (const [target, place] of [
  ['/', '/'],
  ['/a.b?c=/../d', '/a.b?c=/../d'],
  ['/%2f..%2fv1', '/%2f..%2fv1'],
  ['//x', '//x'],
  ['/../../v1/status', '/v1/status'],
  ['/%2e%2E/.%2e/v1/status', '/v1/status'],
  ['/..\\..\\v1/status', '/v1/status'],
  ['/a/../b?c#d', '/b?c'],
  ['http://localhost/../../v1', '/v1'],
  ['http://localhost', '/'],
  ['*', null],
  ['localhost:1', null],
  ['ftp://x/', null],
] as const)
  test(`the target ${target} stays with the function`, () => assert.is(placeBelow(target), place));

test('nothing else of the host is reached through it', async () => {
  const { port } = new URL(front.url);
  const url = await new Promise((resolve) => {
    request(
      { host: '127.0.0.1', port, path: '/../../v1/functions', headers: { host: 'localhost' } },
      async (answer) => {
        resolve(JSON.parse((await answer.toArray()).join(''))[1]);
      },
    ).end();
  });
  assert.is(url, '/f/thumb/v1/functions');
});

test('that cannot have its port says so', async () => {
  const port = Number(new URL(front.url).port);
  const options = { url: front.url, name: 'x', token: undefined, explain: async () => null, onRequest: () => {} };
  await refused(() => openFront({ ...options, port }), 'conflict', /port \d+ cannot be taken.*--port/);
  await refused(() => checkPort(port), 'conflict', /port \d+ cannot be taken.*--port/);
});

test.run();
