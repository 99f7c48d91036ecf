import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestServers } from './test-servers.ts';
import { parseTestSpec } from './test-spec.ts';

const servers = suite('conformance test servers');

const SPECS = parseTestSpec(
  JSON.stringify({
    servers: [
      {
        name: 'main',
        endpoints: [
          { path: '/plain', response: { status: 418, body: 'tea', headers: { 'x-a': 'b' } } },
          { method: 'POST', path: '/body', mode: 'echo-body' },
          { method: 'POST', path: '/headers?q', mode: 'echo-headers' },
          { path: '/chunks', response: { chunks: ['one', 'two'], trailers: { 'x-sum': '7' } } },
        ],
      },
      { name: 'dead', kind: 'closed' },
    ],
  }),
  't.json',
).servers;

/** Asks a server; gives all that came back. */
async function ask(address: string, method: string, path: string, body = '', headers: Record<string, string> = {}) {
  const sent = request(`http://${address}${path}`, { method, headers });
  const came = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  if ('trailer' in headers) sent.addTrailers({ 'x-sent': 'late' });
  sent.end(body);
  const response = await came;
  const read = await text(response);
  return { status: response.statusCode, headers: response.headers, body: read, trailers: response.trailers };
}

servers('answer as their endpoints say, and nobody listens at a closed one', async () => {
  const open = await TestServers.open(SPECS);
  try {
    assert.equal(Object.keys(open.environment), ['HTTP_SERVER_MAIN', 'HTTP_SERVER_DEAD']);
    const [main, dead] = open.hosts as [string, string];
    assert.equal(Object.values(open.environment), [main, dead]);

    const plain = await ask(main, 'GET', '/plain');
    assert.equal([plain.status, plain.body, plain.headers['x-a']], [418, 'tea', 'b']);
    assert.is((await ask(main, 'GET', '/none')).status, 404);
    assert.is((await ask(main, 'POST', '/plain')).status, 404);
    assert.is((await ask(main, 'POST', '/body', 'echo')).body, 'echo');

    const sent = { 'x-mine': 'v', trailer: 'x-sent', 'transfer-encoding': 'chunked' };
    const echoed = await ask(main, 'POST', '/headers?q', 'x', sent);
    const names = ['x-request-method', 'x-request-path', 'x-echo-x-mine', 'x-trailer-x-sent'];
    assert.equal(
      names.map((name) => echoed.headers[name]),
      ['POST', '/headers?q', 'v', 'late'],
    );

    const chunked = await ask(main, 'GET', '/chunks');
    assert.equal([chunked.body, chunked.trailers['x-sum']], ['onetwo', '7']);

    const refused = await ask(dead, 'GET', '/').catch((error: NodeJS.ErrnoException) => error.code);
    assert.is(refused, 'ECONNREFUSED');
  } finally {
    await open.close();
  }
});

servers.run();
