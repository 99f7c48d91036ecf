import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HttpClientOptions, OutsideHttpClient } from '../../../../runtime/agent/outside/http-client.ts';
import { OutsideRefusal, type OutsideServices } from '../../../../runtime/outside/outside-service.ts';
import {
  type HttpClientRequest,
  type HttpClientResponse,
  HttpFailure,
  StreamFailure,
} from '../../../../runtime/wasi/index.ts';
import { directOutside } from '../../../support/piped-outside.ts';
import { openTestNetwork, startServer } from '../../outside/network/network-lab.ts';
import { text, utf8 } from '../../wasi/backend.ts';

const client = suite('the client of HTTP in the agent');

const REQUEST: HttpClientRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'api.example',
  path: '/',
  headers: [],
  body: false,
  connectMs: null,
  firstByteMs: null,
  betweenBytesMs: null,
};

/** A client over a real network to a real server. */
async function over(listener: Parameters<typeof startServer>[0], options: HttpClientOptions = {}, window?: number) {
  const server = await startServer(listener);
  const network = openTestNetwork({}, { resolver: async () => ['127.0.0.1'] });
  const outside = directOutside(network.services, window);
  const http = new OutsideHttpClient(outside, options);
  return {
    outside,
    send: (given: Partial<HttpClientRequest> = {}) =>
      http.send({ ...REQUEST, authority: `api.example:${server.port}`, ...given }),
    async close() {
      network.close();
      await server.close();
    },
  };
}

async function readAll({ body }: HttpClientResponse): Promise<string> {
  let all = '';
  for (;;) {
    const bytes = body.read(1000);
    if (bytes === null) return all;
    all += text(bytes);
    if (bytes.length === 0) await body.wait();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('expected a failure'),
    (error: unknown) => {
      assert.instance(error, HttpFailure);
      return (error as HttpFailure).code;
    },
  );
}

client('body and trailers go both ways, however small the window', async () => {
  let [body, trailers] = ['', [] as string[]];
  const lab = await over(
    async (request, response) => {
      for await (const chunk of request) body += chunk;
      trailers = request.rawTrailers;
      response.setHeader('Trailer', 'x-sum');
      response.write('a'.repeat(5000));
      response.addTrailers({ 'X-Sum': '1' });
      response.end('end');
    },
    {},
    64,
  );
  const call = lab.send({ method: 'POST', body: true });
  for (let piece = 0; piece < 100; piece++) {
    while (call.body.capacity < 10) await call.body.wait();
    call.body.write(utf8(`${piece}`.padStart(10)));
  }
  call.finish([['X-Check', utf8('v'.repeat(100))]]);
  const response = await call.response;
  assert.is(response.status, 200);
  assert.is(await readAll(response), `${'a'.repeat(5000)}end`);
  assert.equal(
    (await response.trailers()).map(([name, value]) => [name, text(value)]),
    [['X-Sum', '1']],
  );
  assert.equal([body.length, trailers], [1000, ['X-Check', 'v'.repeat(100)]]);
  await call.settled;
  assert.is(lab.outside.open, 0);
  await lab.close();
});

client('the trailers come also when the guest read just the bytes, or little was left', async () => {
  const lab = await over((_, response) => {
    response.setHeader('Trailer', 'x-sum');
    response.addTrailers({ 'X-Sum': '1' });
    response.end('0123456789');
  });
  for (const read of [0, 4, 10]) {
    const response = await lab.send().response;
    while (read > 0 && !response.body.ready) await response.body.wait();
    if (read > 0) response.body.read(read);
    response.body.close();
    assert.is((await response.trailers()).length, 1);
  }
  await lab.close();
});

client('a body that is not wanted is forgotten', async () => {
  let closed = Promise.withResolvers<void>();
  const lab = await over((_, response) => {
    response.on('close', () => closed.resolve());
    response.write('begun');
  });
  const call = lab.send();
  (await call.response).body.close();
  await closed.promise;
  await call.settled;
  assert.is(lab.outside.open, 0);
  closed = Promise.withResolvers();
  const long = await lab.send().response;
  const trailers = long.trailers();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(lab.outside.open, 1);
  long.body.close();
  assert.equal(await failureOf(trailers), { tag: 'connection-terminated' });
  await lab.close();
});

client('a body that breaks says why after its bytes', async () => {
  const lab = await over((_, response) => {
    response.writeHead(200, { 'Content-Length': '9' });
    response.write('abc', () => response.destroy());
  });
  const response = await lab.send().response;
  try {
    await readAll(response);
    assert.unreachable('expected it to break');
  } catch (error) {
    assert.instance(error, StreamFailure);
    assert.equal((error as StreamFailure).http, { tag: 'HTTP-response-incomplete' });
  }
  assert.equal(await failureOf(response.trailers()), { tag: 'HTTP-response-incomplete' });
  await lab.close();
});

client('a request that is forgotten ends its body and has no response', async () => {
  const lab = await over((request) => void request.resume().on('error', () => {}));
  const call = lab.send({ method: 'POST', body: true });
  call.body.write(utf8('half'));
  call.forget();
  call.forget();
  assert.equal(await failureOf(call.response), { tag: 'connection-terminated' });
  assert.throws(
    () => call.body.capacity,
    (error: unknown) => error instanceof StreamFailure,
  );
  await call.settled;
  assert.is(lab.outside.open, 0);
  await lab.close();
});

client('the invocation’s trace goes with requests that name none', async () => {
  const seen: unknown[] = [];
  const lab = await over(
    (request, response) => {
      seen.push([request.headers['traceparent'], request.headers['tracestate']]);
      response.end();
    },
    { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'vendor=1' },
  );
  await lab.send().response;
  await lab.send({ headers: [['TraceParent', utf8('own')]] }).response;
  await lab.send({ headers: [['TraceState', utf8('own=1')]] }).response;
  assert.equal(seen, [
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'vendor=1'],
    ['own', undefined],
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'own=1'],
  ]);
  await lab.close();
});

client('what left the guest is told', async () => {
  let passed = 0;
  const lab = await over((request, response) => request.pipe(response), { passed: (bytes) => (passed += bytes) });
  const call = lab.send({ method: 'POST', body: true, path: '/1234', headers: [['AB', utf8('CD')]], authority: 'a:1' });
  call.body.write(utf8('12345678'));
  assert.is(passed, 5 + 4 + 3 + 8);
  call.forget();
  await lab.close();
});

for (const [what, given, code] of [
  [
    'fields of 49 KiB',
    { headers: [['X', new Uint8Array(49 * 1024)]] },
    { tag: 'HTTP-request-header-section-size', val: 49 * 1024 + 1 },
  ],
  ['a path of 9 KiB', { path: '/'.repeat(9 * 1024) }, { tag: 'HTTP-request-URI-too-long' }],
  ['an authority of 301 bytes', { authority: 'a'.repeat(301) }, { tag: 'HTTP-request-URI-invalid' }],
] as const)
  client(`a request with ${what} does not even leave`, async () => {
    const outside = directOutside({});
    const call = new OutsideHttpClient(outside).send({ ...REQUEST, ...(given as Partial<HttpClientRequest>) });
    assert.equal(await failureOf(call.response), code);
    assert.equal(outside.asked, []);
    assert.throws(
      () => call.body.capacity,
      (error: unknown) => error instanceof StreamFailure,
    );
  });

for (const [code, expected] of [
  ['destination-IP-prohibited', { tag: 'destination-IP-prohibited' }],
  ['DNS-error', { tag: 'DNS-error', val: { rcode: 'why' } }],
  ['HTTP-response-body-size', { tag: 'HTTP-response-body-size', val: undefined }],
  ['too-many', { tag: 'connection-limit-reached' }],
  ['anything', { tag: 'internal-error', val: 'why' }],
] as const)
  client(`the refusal ${code} is ${expected.tag} for the guest`, async () => {
    const services: OutsideServices = {
      'http.send': () => Promise.reject(new OutsideRefusal(code, 'why')),
    };
    assert.equal(await failureOf(new OutsideHttpClient(directOutside(services)).send(REQUEST).response), expected);
  });

client('a function without the service is denied', async () => {
  const { response } = new OutsideHttpClient(directOutside({})).send(REQUEST);
  assert.equal(await failureOf(response), { tag: 'HTTP-request-denied' });
});

client.run();
