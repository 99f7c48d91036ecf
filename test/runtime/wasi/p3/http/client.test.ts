import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutsideHttpClient } from '../../../../../runtime/agent/outside/http-client.ts';
import { httpInterfaces3 } from '../../../../../runtime/wasi/p3/http/http.ts';
import type { GuestStream } from '../../../../../runtime/wasi/p3/stream/guest-stream.ts';
import { DirectOutside } from '../../../../support/direct-outside.ts';
import { openTestNetwork, startServer } from '../../../outside/network/network-lab.ts';
import { utf8 } from '../../backend.ts';
import { collect, FakeStream, seatWith } from '../guest-parts.ts';

const client = suite('wasi:http/client 0.3');

interface Given {
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly contents?: GuestStream;
  readonly trailers?: unknown;
  readonly authority?: string | undefined;
}

/** A guest's client over a real network, and a real server. */
async function over(listener: Parameters<typeof startServer>[0]) {
  const server = await startServer(listener);
  const network = openTestNetwork({}, { resolver: async () => ['127.0.0.1'] });
  const outside = new DirectOutside(network.services);
  const seat = seatWith({ httpClient: new OutsideHttpClient(outside) });
  const interfaces = httpInterfaces3(seat);
  const { Fields, Request, Response } = interfaces['wasi:http/types@0.3'];
  const authority = `api.example:${server.port}`;
  const send = (given: Given = {}) => {
    const fields = Fields.fromList((given.headers ?? []).map(([name, value]) => [name, utf8(value)] as const));
    const trailers = Promise.resolve(given.trailers ?? { tag: 'ok', val: undefined });
    const [request, sent] = Request.new(fields, given.contents, trailers as never, undefined);
    request.setMethod({ tag: 'other', val: given.method ?? 'GET' });
    request.setScheme({ tag: 'HTTP' });
    request.setPathWithQuery('/x?y');
    request.setAuthority('authority' in given ? given.authority : authority);
    return { sent, response: interfaces['wasi:http/client@0.3'].send(request) };
  };
  const close = async () => {
    network.close();
    await server.close();
  };
  return { seat, outside, Fields, Response, send, close };
}

client('sends a request, and gives the response with its trailers', async () => {
  const seen: unknown[] = [];
  const { seat, Fields, Response, send, close } = await over(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push(request.method, request.url, request.headers['x-a'], body, request.trailers['x-sum']);
    response.writeHead(201, { 'x-b': 'c', trailer: 'x-end' });
    response.write('answer');
    response.addTrailers({ 'x-end': '1' });
    response.end();
  });
  const trailers = { tag: 'ok', val: Fields.fromList([['x-sum', utf8('5')]]) };
  const { sent, response } = send({
    method: 'POST',
    headers: [['x-a', 'b']],
    contents: new FakeStream('hel', 'lo'),
    trailers,
  });
  const got = await response;
  assert.equal(seen, ['POST', '/x?y', 'b', 'hello', '5']);
  assert.is(got.getStatusCode(), 201);
  const headers = got.getHeaders();
  assert.equal(headers.get('x-b'), [utf8('c')]);
  headers[Symbol.dispose]();
  const [contents, ended] = Response.consumeBody(got, Promise.resolve({ tag: 'ok', val: undefined }));
  assert.is(await collect(contents), 'answer');
  const end = (await ended) as { val: InstanceType<typeof Fields> };
  assert.equal(end.val.get('x-end'), [utf8('1')]);
  end.val[Symbol.dispose]();
  assert.equal(await sent, { tag: 'ok', val: undefined });
  assert.is(seat.context.handles, 0);
  await close();
});

for (const [what, given, code] of [
  ['without an authority', { authority: undefined }, { tag: 'HTTP-request-URI-invalid' }],
  [
    'that says a length and has no contents',
    { headers: [['content-length', '5']] },
    { tag: 'HTTP-request-body-size', val: 0n },
  ],
  [
    'with lengths that disagree',
    {
      headers: [
        ['content-length', '5'],
        ['content-length', '6'],
      ],
    },
    { tag: 'HTTP-protocol-error' },
  ],
] as const satisfies readonly (readonly [string, Given, unknown])[]) {
  client(`does not send a request ${what}`, async () => {
    const { outside, send, close } = await over(() => assert.unreachable('it was sent'));
    const { sent, response } = send(given);
    assert.equal(await response.catch((error: unknown) => error), code);
    assert.equal(await sent, { tag: 'err', val: code });
    assert.equal(outside.asked, []);
    await close();
  });
}

client('breaks off a request that is longer than it says', async () => {
  const { outside, send, close } = await over((request, response) => {
    request.on('error', () => {});
    request.resume().on('end', () => response.end());
  });
  const { sent, response } = send({
    method: 'POST',
    headers: [['content-length', '3']],
    contents: new FakeStream('hello'),
  });
  response.catch(() => {});
  assert.equal(await sent, { tag: 'err', val: { tag: 'HTTP-request-body-size', val: 5n } });
  await response.catch(() => {});
  assert.is(outside.open, 0);
  await close();
});

client('ends its requests with the instance', async () => {
  const { seat, outside, send, close } = await over(() => {});
  const { response } = send();
  response.catch(() => {});
  assert.is(outside.open, 1);
  seat.context.close();
  assert.is(outside.open, 0);
  await close();
});

client.run();
