import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readWhole } from '../../../../guest-sdk/client/index.ts';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { nodeTransport } from '../../../../host/cli/host-access/node-transport.ts';

const transport = suite("Node's transport");

async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.unreachable('expected a failure'),
    (thrown: unknown) => thrown,
  );
}

async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536);
}

const GET = { method: 'GET', headers: {} };

transport('shows headers, and trailers once the body was read', async () => {
  await withServer(
    (request, response) => {
      response.writeHead(200, { 'x-te': request.headers.te ?? '', trailer: 'Cloudlet-Exit-Code' });
      response.write('body');
      response.addTrailers({ 'Cloudlet-Exit-Code': '7' });
      response.end();
    },
    async (url) => {
      const response = await nodeTransport({ ...GET, url });
      assert.equal([response.status, response.header('x-te'), response.header('none')], [200, 'trailers', null]);
      assert.is(Buffer.from(await readWhole(response.body, 100)).toString(), 'body');
      assert.equal([response.trailer('cloudlet-exit-code'), response.trailer('none')], ['7', null]);
    },
  );
});

transport('streams a body, and sends its head before the first byte of it', async () => {
  await withServer(
    (_, response) => response.end('early'),
    async (url) => {
      const response = await nodeTransport({ ...GET, method: 'POST', url, body: never() });
      assert.is(Buffer.from(await readWhole(response.body, 100)).toString(), 'early');
    },
  );
});

transport('an early refusal reaches whoever still sends', async () => {
  await withServer(
    (_, response) => response.writeHead(413).end('too much'),
    async (url) => {
      const response = await nodeTransport({ ...GET, method: 'PUT', url, body: endless() });
      assert.is(response.status, 413);
      assert.is(Buffer.from(await readWhole(response.body, 100)).toString(), 'too much');
    },
  );
});

transport('an answer that breaks off is not taken for a whole one', async () => {
  await withServer(
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    },
    async (url) => {
      const response = await nodeTransport({ ...GET, url });
      const error = await failure(readWhole(response.body, 1000));
      assert.is((error as CloudletError).code, 'network-unavailable');
      assert.match((error as CloudletError).message, /broke before the answer was complete/);
    },
  );
});

transport('a source that fails is told as what it is', async () => {
  const broken: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(new CloudletError('request-invalid', 'the file is gone')),
    }),
  };
  await withServer(
    () => {},
    async (url) => {
      const error = await failure(nodeTransport({ ...GET, method: 'PUT', url, body: broken }));
      assert.is((error as Error).message, 'the file is gone');
    },
  );
});

transport('an abort ends it with its reason, before and after the head', async () => {
  await withServer(
    (request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200);
      response.write('first');
    },
    async (url) => {
      for (const path of ['silent', 'begun']) {
        const left = new AbortController();
        const reason = new Error('enough');
        const work = (async () => {
          const response = await nodeTransport({ ...GET, url: url + path, signal: left.signal });
          for await (const _ of response.body) left.abort(reason);
        })();
        if (path === 'silent') left.abort(reason);
        assert.is(await failure(work), reason, path);
      }
      assert.is((await failure(nodeTransport({ ...GET, url, signal: AbortSignal.abort('late') }))) as string, 'late');
    },
  );
});

transport('nobody there is told with what to do', async () => {
  const refused = await failure(nodeTransport({ ...GET, url: 'http://127.0.0.1:1/' }));
  assert.match(
    (refused as Error).message,
    /^no cloudlet answers at http:\/\/127\.0\.0\.1:1; start one with: npx cloudlet serve$/,
  );
  const unknown = await failure(nodeTransport({ ...GET, url: 'http://no-such-host.invalid/' }));
  assert.match(
    (unknown as Error).message,
    /no cloudlet can be reached at http:\/\/no-such-host\.invalid \(E\w+\); .*discover/,
  );
});

transport.run();
