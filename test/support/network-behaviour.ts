/**
 * What a guest's network does in any kind of sandbox: a real guest, the real channel, the host's real half, servers on loopback.
 */
import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NetworkPolicy, openNetwork } from '../../runtime/outside/network/network.ts';
import type { InvokeRequest, Sandbox } from '../../runtime/sandbox/index.ts';
import type { Subject } from './sandbox-behaviour.ts';
import { finish } from './sandbox-lab.ts';

type Trace = Pick<InvokeRequest, 'traceparent' | 'tracestate'>;

/** Defines the suite for one kind of sandbox. */
export function networkBehaviour(subject: Pick<Subject, 'name' | 'open'>): void {
  const network = suite(`the network of a guest in a ${subject.name}`);
  let sandbox: Sandbox;
  const open: (() => unknown)[] = [];

  network.before(async () => {
    sandbox = await subject.open('network');
  });
  network.after(() => sandbox.close());
  network.after.each(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function server(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
    const listening = createServer(listener);
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    open.push(() => {
      listening.close();
      listening.closeAllConnections();
    });
    return (listening.address() as AddressInfo).port;
  }

  /** Asks the guest, which may do what the policy says: by default all that is on loopback. */
  async function ask(
    path: string,
    given: { method?: string; body?: string; headers?: [string, string][]; trace?: Trace } = {},
    policy: Partial<NetworkPolicy> = {},
  ) {
    const opened = openNetwork(
      {
        allowedHosts: ['*:*'],
        allowedRanges: ['127.0.0.0/8'],
        connections: 8,
        sockets: { tcp: ['*:*'], udp: ['*:*'], lookup: true, listen: false },
        ...policy,
      },
      { resolver: async (name) => (name === 'two.example' ? ['127.0.0.2', '10.0.0.1'] : []) },
    );
    open.push(() => opened.close());
    const failures: unknown[] = [];
    const outside = { services: opened.services, failed: (...what: unknown[]) => failures.push(what) };
    const call = sandbox.invoke(
      {
        door: 'http',
        method: given.method ?? 'GET',
        scheme: 'http',
        authority: 'cloudlet.test',
        path,
        headers: (given.headers ?? []).map(([name, value]) => [name, Buffer.from(value)] as const),
        ...given.trace,
      },
      Buffer.from(given.body ?? ''),
      { deadlineMs: 60_000, log: () => {}, outside },
    );
    const { head, text, end } = await finish(call);
    assert.equal(failures, []);
    const trailers = ('trailers' in end ? (end.trailers ?? []) : []).map(([name, value]) => [
      name,
      Buffer.from(value).toString(),
    ]);
    return {
      status: head?.status,
      headers: head?.headers.map(([name, value]) => [name, Buffer.from(value).toString()]),
      text,
      trailers,
    };
  }

  network('a request goes out and its answer comes in, with bodies and trailers', async () => {
    let seen: unknown;
    const port = await server(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen = [request.method, request.url, request.headers['x-one'], request.headers.host, body.length];
      response.setHeader('Trailer', 'x-sum');
      response.writeHead(201, { 'X-Two': '2' });
      response.write('a'.repeat(200_000));
      response.addTrailers({ 'X-Sum': '3' });
      response.end();
    });
    const answer = await ask(`/fetch?127.0.0.1:${port}/path`, {
      method: 'PUT',
      headers: [['x-one', '1']],
      body: 'b'.repeat(100_000),
    });
    assert.equal(seen, ['PUT', '/path', '1', `127.0.0.1:${port}`, 100_000]);
    assert.equal([answer.status, answer.text.length, answer.trailers], [201, 200_000, [['X-Sum', '3']]]);
    assert.equal(answer.headers, [['X-Two', '2']]);
  });

  network('a request that goes out is in the trace of its invocation', async () => {
    let seen: unknown;
    const port = await server(({ headers }, response) => {
      seen = { traceparent: headers['traceparent'], tracestate: headers['tracestate'] };
      response.end();
    });
    const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
    assert.is((await ask(`/fetch?127.0.0.1:${port}/`, { trace })).status, 200);
    assert.equal(seen, trace);
  });

  network('a body may be larger than what a guest may give at once', async () => {
    let bytes = 0;
    const port = await server((request, response) => {
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on('end', () => response.end());
    });
    const size = 4 * 1024 * 1024;
    assert.equal((await ask(`/upload?127.0.0.1:${port}/${size}`)).text, `${size}`);
    assert.is(bytes, size);
  });

  for (const [what, path, policy, code] of [
    ['a host that was not granted', '/fetch?127.0.0.1:9', { allowedHosts: ['api.example'] }, 'HTTP-request-denied'],
    ['any host, when none was granted', '/fetch?127.0.0.1:9', { allowedHosts: [] }, 'HTTP-request-denied'],
    [
      'loopback, which the policy does not allow',
      '/fetch?127.0.0.1:9',
      { allowedRanges: [] },
      'destination-IP-prohibited',
    ],
    ['the credentials of a cloud', '/fetch?[::ffff:169.254.169.254]', {}, 'destination-IP-prohibited'],
    ['a name that does not exist', '/fetch?none.example', {}, 'DNS-error'],
    ['a port where nobody is', '/fetch?127.0.0.1:1', {}, 'connection-refused'],
    [
      'a socket that was not granted',
      '/tcp?1',
      { sockets: { tcp: [], udp: [], lookup: false, listen: false } },
      'access-denied',
    ],
    [
      'a name that was not granted',
      '/lookup?a.example',
      { sockets: { tcp: [], udp: [], lookup: false, listen: false } },
      'access-denied',
    ],
  ] as const)
    network(`a guest that wants ${what} is told ${code}`, async () => {
      const answer = await ask(path, {}, policy as Partial<NetworkPolicy>);
      assert.equal([answer.status, answer.text], [502, code]);
    });

  network('a redirect is the guest’s to follow', async () => {
    const port = await server((_, response) => response.writeHead(302, { Location: 'http://169.254.169.254/' }).end());
    const answer = await ask(`/fetch?127.0.0.1:${port}`);
    assert.equal([answer.status, answer.headers], [302, [['Location', 'http://169.254.169.254/']]]);
  });

  network('an answer that breaks fails in the guest, and the sandbox serves on', async () => {
    const port = await server((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => response.destroy());
    });
    let failed = false;
    await ask(`/fetch?127.0.0.1:${port}`).catch(() => {
      failed = true;
    });
    assert.ok(failed);
    const whole = await server((_, response) => response.end('whole'));
    assert.is((await ask(`/fetch?127.0.0.1:${whole}`)).text, 'whole');
  });

  network('a guest speaks over sockets of TCP and UDP, and looks names up', async () => {
    const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk;
      });
      socket.on('end', () => socket.end(`tcp ${all.length}`));
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    open.push(() => tcp.close());
    assert.is(
      (await ask(`/tcp?${(tcp.address() as AddressInfo).port}`, { method: 'POST', body: 'x'.repeat(300_000) })).text,
      'tcp 300000',
    );

    const udp = createSocket('udp4');
    udp.on('message', (data, { port, address }) => udp.send(`udp ${data}`, port, address));
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    open.push(() => udp.close());
    assert.is((await ask(`/udp?${udp.address().port}`, { method: 'POST', body: 'ping' })).text, 'udp ping');

    assert.is((await ask('/lookup?two.example')).text, '127.0.0.2');
  });

  network.run();
}
