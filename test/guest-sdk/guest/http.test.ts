// end to end
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const PROJECT = fileURLToPath(new URL('../../support/guests/fetch-http/', import.meta.url));

const http = suite('a TypeScript function over wasi:http');
let fn: BuiltFunction;

http.before(async () => {
  fn = await BuiltFunction.open(PROJECT);
});
http.after(() => fn.close());

http('answers with text and its type', async () => {
  const { status, headers, text } = await fn.http('/text');
  assert.is(status, 200);
  assert.is(text, 'plain');
  assert.equal(headers, [['content-type', 'text/plain;charset=UTF-8']]);
});

http('reads JSON and answers with JSON and a status', async () => {
  const { status, headers, text } = await fn.http('/json', { method: 'POST', body: Buffer.from('{"a":[1,"é"]}') });
  assert.is(status, 201);
  assert.equal(JSON.parse(text), { got: { a: [1, 'é'] } });
  assert.equal(headers, [['content-type', 'application/json']]);
});

http('sees method, address, query and headers', async () => {
  const { text } = await fn.http('/request?name=Ada+Lovelace&x=%C3%A9', {
    method: 'REPORT',
    headers: { 'x-asked': 'yes' },
  });
  assert.equal(JSON.parse(text), {
    url: 'http://cloudlet.test:8080/request?name=Ada+Lovelace&x=%C3%A9',
    method: 'REPORT',
    headers: [['x-asked', 'yes']],
    name: 'Ada Lovelace',
  });
});

http('echoes a long body piece by piece', async () => {
  const piece = Buffer.alloc(50_000, 'cloudlet ');
  async function* body() {
    for (let n = 0; n < 100; n++) yield piece;
  }
  const { body: echoed } = await fn.http('/echo', { method: 'POST', body: body() });
  assert.is(echoed.length, 100 * piece.length);
  assert.ok(Buffer.from(echoed).equals(Buffer.concat(Array.from({ length: 100 }, () => piece))));
});

http('reads an empty body as no bytes', async () => {
  assert.is((await fn.http('/bytes')).text, '0');
  assert.is((await fn.http('/bytes', { method: 'POST', body: Buffer.alloc(200_000) })).text, '200000');
});

http('answers without a body, and elsewhere', async () => {
  assert.equal([(await fn.http('/empty')).status, (await fn.http('/empty')).text], [204, '']);
  const { status, headers } = await fn.http('/redirect');
  assert.is(status, 307);
  assert.equal(headers, [['location', '/text']]);
});

http('keeps fields of one name apart', async () => {
  const { headers } = await fn.http('/cookies');
  assert.equal(
    headers.filter(([name]) => name !== 'content-type'),
    [
      ['x-one', '1'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  );
});

http('streams what it makes over time', async () => {
  assert.is((await fn.http('/stream?to=5')).text, '1\n2\n3\n4\n5\n');
});

http('waits for several timers', async () => {
  const { texts, ms } = JSON.parse((await fn.http('/together')).text);
  assert.equal(texts, ['a', 'b', 'c']);
  assert.ok(ms >= 140, `timers of 150 ms ended after ${ms} ms`);
});

http('takes the first of two and leaves the other', async () => {
  // The other is an hour away, past any deadline.
  assert.is((await fn.http('/race')).text, 'quick');
});

http('runs microtasks before timers, and no cancelled one', async () => {
  assert.equal(JSON.parse((await fn.http('/order')).text), ['now', 'microtask', 'timer']);
});

http('starts every invocation anew', async () => {
  assert.is((await fn.http('/count')).text, '1');
  assert.is((await fn.http('/count')).text, '1');
});

http('has randomness that does not repeat from instance to instance', async () => {
  const seen = new Set<string>();
  for (let n = 0; n < 3; n++) {
    const [number, uuid] = JSON.parse((await fn.http('/random')).text);
    assert.ok(number >= 0 && number < 1);
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    seen.add(String(number)).add(uuid);
  }
  assert.is(seen.size, 6);
});

http('writes its console to the log', async () => {
  const { text, log } = await fn.http('/log');
  assert.is(text, 'logged');
  assert.match(log.stderr, 'to the log {"n":1} Error: with its words');
});

for (const [path, words] of [
  ['/throw', 'a secret of the function'],
  ['/reject', 'after a while'],
  ['/wrong', 'fetch must give a Response, got string'],
] as const) {
  http(`answers 500 at ${path} and tells only the log why`, async () => {
    const { status, text, log } = await fn.http(path);
    assert.is(status, 500);
    assert.not.match(text, words);
    assert.match(log.stderr, words);
  });
}

http('fails a body that breaks off, instead of ending it', async () => {
  await fn.http('/breaking').then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, CloudletError),
  );
  assert.is((await fn.http('/text')).text, 'plain');
});

http('fails at once when it waits for what cannot happen', async () => {
  await fn.http('/forever').then(
    () => assert.unreachable(),
    (error: unknown) => assert.is((error as CloudletError).code, 'guest-trapped'),
  );
});

http.run();
