import { connect } from 'node:net';
import { Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { connectionOf, type HostContext } from '../../../host/http/connection.ts';
import { parseJson, parseWith, readBody, requestBody } from '../../../host/http/request-body.ts';
import { createJournal } from '../../../host/journal.ts';
import { listen } from '../../../host/listener.ts';
import { problemHandler } from '../../../host/problem.ts';
import { collect } from '../memory-engine.ts';

const body = suite('request bodies');

/** An app whose only route reads its body with these limits and answers with its length. */
function reader(limits: Parameters<typeof requestBody>[1]): Hono<HostContext> {
  const app = new Hono<HostContext>();
  app.post('/', async (c) => c.text(String((await collect(requestBody(c, limits))).length)));
  app.onError(problemHandler(createJournal({ write: () => {} })));
  return app;
}

const post = async (app: Hono<HostContext>, bytes: number): Promise<Response> =>
  await app.request('/', { method: 'POST', body: new Uint8Array(bytes) });

body('a body up to the limit is read, one byte more is refused', async () => {
  assert.is(await (await post(reader({ maxBytes: 10 }), 10)).text(), '10');
  assert.is((await post(reader({ maxBytes: 10 }), 11)).status, 413);
  assert.is(await (await post(reader({ maxBytes: 10 }), 0)).text(), '0');
});

body(
  'a small body that came with its header is read whole, without a stream; a later or larger one as it comes',
  async () => {
    const app = new Hono<HostContext>();
    let asked = Promise.withResolvers<void>();
    app.post('/', async (c) => {
      await Promise.resolve();
      const read = readBody(c, 100_000);
      // Whoever reads a stream listens for more of it.
      const isStreamed = connectionOf(c)!.incoming.listenerCount('readable') > 0;
      asked.resolve();
      return c.text(`${(await read).length} ${isStreamed ? 'streamed' : 'at hand'}`);
    });
    const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
    const ask = async (first: string, later?: string): Promise<string> => {
      asked = Promise.withResolvers();
      const socket = connect(listener.port, '127.0.0.1');
      socket.write(first);
      await asked.promise;
      if (later !== undefined) socket.write(later);
      return Buffer.from(await collect(socket as AsyncIterable<Uint8Array>))
        .toString()
        .split('\r\n\r\n')[1]!;
    };
    const head = (length: number) =>
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
    assert.is(await ask(`${head(5)}hello`), '5 at hand');
    assert.is(await ask(head(0)), '0 at hand');
    assert.is(await ask(head(5), 'hello'), '5 streamed');
    assert.is(await ask(`${head(20_000)}${'x'.repeat(20_000)}`), '20000 streamed');
    await listener.close(0);
  },
);

body('a sender that falls silent is given up on', async () => {
  const app = reader({ maxBytes: 10, idleMs: 30 });
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  const socket = connect(listener.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nab');
  const answer = Buffer.from(await collect(socket as AsyncIterable<Uint8Array>)).toString();
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
  await listener.close(0);
});

body('a sender that drips is given up on, although it is never silent for long', async () => {
  const app = reader({ maxBytes: 1000, idleMs: 200 });
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  const socket = connect(listener.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n');
  const drip = setInterval(() => socket.write('a'), 20);
  const answer = Buffer.from(await collect(socket as AsyncIterable<Uint8Array>)).toString();
  clearInterval(drip);
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
  await listener.close(0);
});

body('leaving early leaves the rest unread and the connection whole', async () => {
  const app = new Hono<HostContext>();
  app.post('/', async (c) => {
    for await (const part of requestBody(c, { maxBytes: 1e9 })) return c.text(`${part.length > 0}`);
    return c.text('nothing');
  });
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  const response = await fetch(`http://127.0.0.1:${listener.port}/`, { method: 'POST', body: new Uint8Array(300_000) });
  assert.is(await response.text(), 'true');
  await listener.close(0);
});

const notJson: readonly [what: string, bytes: Uint8Array][] = [
  ['nothing', Buffer.from('')],
  ['a half array', Buffer.from('[')],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['two values', Buffer.from('1 2')],
];
for (const [what, bytes] of notJson) {
  body(`${what} is not JSON`, () => {
    assert.throws(
      () => parseJson(bytes),
      (error: { code: string }) => error.code === 'request-invalid',
    );
  });
}

const Shape = v.strictObject({
  version: v.optional(v.number()),
  token: v.string(),
  split: v.optional(v.strictObject({ percent: v.number() })),
});
for (const [value, sentence] of [
  [{ token: '', vers: 1 }, '$.vers is not a known key; expected version, token, split'],
  [{ token: '', split: { percent: 1, percents: 2 } }, '$.split.percents is not a known key'],
  [{}, '$.token is missing'],
  [{ token: '', split: {} }, '$.split.percent is missing'],
  [{ token: 1 }, '$.token: expected string, got 1'],
  ['token', '$: expected Object, got "token"'],
] as const) {
  body(`${JSON.stringify(value)} is refused: ${sentence}`, () => {
    assert.throws(
      () => parseWith(Shape, value),
      (error: CloudletError) => error.code === 'request-invalid' && error.message === sentence,
    );
  });
}

body.run();
