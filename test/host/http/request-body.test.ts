import { connect } from 'node:net';
import { Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../../../host/http/connection.ts';
import { parseJson, parseWith, requestBody } from '../../../host/http/request-body.ts';
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
