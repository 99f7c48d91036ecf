// end to end
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Network, openNetwork } from '../../../runtime/outside/network/network.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const PROJECT = fileURLToPath(new URL('../../support/guests/fetch-out/', import.meta.url));
const HTTP = fileURLToPath(new URL('../../support/guests/fetch-http/', import.meta.url));

const fetching = suite('fetch in a TypeScript function');
let fn: BuiltFunction;
let network: Network;
const server = createServer((request, response) => void answer(request, response));

fetching.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  network = openNetwork(
    { allowedHosts: ['127.0.0.1:*', 'nowhere.example'], allowedRanges: ['127.0.0.0/8'], connections: 4 },
    { resolver: async () => [] },
  );
  fn = await BuiltFunction.open(PROJECT, { services: network.services });
});
fetching.after(async () => {
  await fn.close();
  network.close();
  server.closeAllConnections();
  server.close();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const { method, url, headers } = request;
  response.setHeader('x-said', 'here');
  if (url === '/large') response.end(Buffer.alloc(3_000_000, 'x'));
  else if (url === '/empty') response.writeHead(204).end();
  else if (url === '/moved') response.writeHead(302, { location: '/' }).end();
  else if (url === '/broken') response.destroy();
  else if (method === 'PUT') response.end(String(body.length));
  else if (method === 'POST') response.end(JSON.stringify([body.toString(), headers['x-asked']]));
  else response.end(`${method} ${url}`);
}

const ask = async (path: string, target: string): Promise<string> => {
  const url = target.startsWith('/') ? `http://127.0.0.1:${(server.address() as AddressInfo).port}${target}` : target;
  const { status, text } = await fn.http(`${path}?${encodeURIComponent(url)}`);
  assert.is(status, 200, text);
  return text.replaceAll(/:\d{4,5}\//g, '/');
};

for (const [what, path, target, expected] of [
  ['gives status and headers', '/get', '/', '200 here'],
  ['gives an answer without a body', '/get', '/empty', '204 here'],
  ['does not follow redirects', '/get', '/moved', '302 here'],
  ['sends a text with headers, and reads JSON', '/post', '/', '["ünder way","yes"]'],
  ['takes a Request, with a method of its own', '/request', '/a?b=c', 'REPORT /a?b=c'],
  ['takes a URL', '/url', '/a?b=c', 'GET /a?b=c'],
  ['sends a body as it is made', '/upload', '/', '2000000'],
  ['reads a large body', '/download', '/large', '3000000'],
  ['passes a body on', '/pass-on', '/passed', 'GET /passed'],
  ['asks several at once', '/together', '/', 'GET /1,GET /2,GET /3'],
  ['holds nothing of what was read, in more requests than an invocation may have handles', '/many', '/', '1000'],
  [
    'says when a host was not granted',
    '/failure',
    'http://other.example/',
    /^TypeError: http:\/\/other\.example\/ gave no answer: HTTP-request-denied$/,
  ],
  ['says when a name is not there', '/failure', 'http://nowhere.example/', /^TypeError: .* gave no answer: DNS-error$/],
  [
    'says when the server breaks off',
    '/failure',
    '/broken',
    /^TypeError: .* gave no answer: (connection-terminated|HTTP-response-incomplete)$/,
  ],
] as const) {
  fetching(what, async () => {
    const text = await ask(path, target);
    if (typeof expected === 'string') assert.is(text, expected);
    else assert.match(text, expected);
  });
}

fetching('without hosts in cloudlet.json says what to add', async () => {
  const hostless = await BuiltFunction.open(HTTP);
  try {
    const { status, log } = await hostless.http('/fetch');
    assert.is(status, 500);
    assert.match(log.stderr, /TypeError: the function asks for no host: .*"http": \["api\.example\.org"\]/);
  } finally {
    await hostless.close();
  }
});

fetching.run();
