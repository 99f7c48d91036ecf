import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERRORS, isErrorCode, type Problem } from '../../guest-sdk/protocol/index.ts';
import { AS_OWNER, testHost } from './memory-engine.ts';

const app = suite('the app');

type Ask = readonly [
  what: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | null,
  code: string,
  sentence: RegExp,
];
const JSON_TYPE = { 'content-type': 'application/json' };
const WASM = { 'content-type': 'application/wasm' };

/** Every bad request of a caller, and what it is told. */
const BAD: readonly Ask[] = [
  ['an unknown route', 'GET', '/v1/nothing', {}, null, 'not-found', /nothing at \/v1\/nothing/],
  [
    'an unknown method',
    'PATCH',
    '/v1/functions/hello',
    {},
    null,
    'method-not-allowed',
    /expected DELETE or GET or HEAD or PUT/,
  ],
  ['OPTIONS on a route', 'OPTIONS', '/v1/functions', {}, null, 'method-not-allowed', /GET or HEAD/],
  [
    'a name that is none',
    'GET',
    '/v1/functions/Hello',
    {},
    null,
    'request-invalid',
    /starting with a letter, got "Hello"/,
  ],
  ['a name with an escape', 'GET', '/v1/functions/..%2F..%2Fetc', {}, null, 'request-invalid', /expected a name/],
  ['an unknown function', 'GET', '/v1/functions/other', {}, null, 'function-unknown', /other/],
  ['a publish without type', 'PUT', '/v1/functions/a', {}, 'x', 'media-type-unsupported', /application\/wasm/],
  [
    'a publish as form',
    'PUT',
    '/v1/functions/a',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'x',
    'media-type-unsupported',
    /got "application\/x-www-form/,
  ],
  [
    'a compressed publish',
    'PUT',
    '/v1/functions/a',
    { ...WASM, 'content-encoding': 'gzip' },
    'x',
    'media-type-unsupported',
    /Content-Encoding, got "gzip"/,
  ],
  [
    'a publish declared too long',
    'PUT',
    '/v1/functions/a',
    { ...WASM, 'content-length': '99999999999' },
    'x',
    'body-too-large',
    /at most 67108864 bytes, got 99999999999/,
  ],
  [
    'a publish shorter than declared',
    'PUT',
    '/v1/functions/a',
    { ...WASM, 'content-length': '9' },
    'x',
    'body-truncated',
    /expected 9 bytes, got 1/,
  ],
  [
    'a content digest that is none',
    'PUT',
    '/v1/functions/a',
    { ...WASM, 'content-digest': 'md5=:x:' },
    'x',
    'request-invalid',
    /Content-Digest/,
  ],
  [
    'a call that is no JSON',
    'POST',
    '/v1/functions/hello/call/f',
    JSON_TYPE,
    '[1',
    'request-invalid',
    /expected JSON, got text that does not parse/,
  ],
  [
    'a call with an object',
    'POST',
    '/v1/functions/hello/call/f',
    JSON_TYPE,
    '{}',
    'request-invalid',
    /\$: expected Array, got Object/,
  ],
  [
    'a call as text',
    'POST',
    '/v1/functions/hello/call/f',
    { 'content-type': 'text/plain' },
    '[]',
    'media-type-unsupported',
    /application\/json or application\/msgpack/,
  ],
  [
    'a call in Latin-1',
    'POST',
    '/v1/functions/hello/call/f',
    { 'content-type': 'application/json; charset=latin1' },
    '[]',
    'media-type-unsupported',
    /latin1/,
  ],
  [
    'a call that is no MessagePack',
    'POST',
    '/v1/functions/hello/call/f',
    { 'content-type': 'application/msgpack' },
    '\xdd',
    'request-invalid',
    /expected MessagePack/,
  ],
  [
    'an answer nobody can give',
    'POST',
    '/v1/functions/hello/call/f',
    { ...JSON_TYPE, accept: 'image/png' },
    '[]',
    'not-acceptable',
    /application\/json or/,
  ],
  [
    'a deadline that is none',
    'POST',
    '/v1/functions/hello/call/f',
    { ...JSON_TYPE, 'cloudlet-deadline-ms': 'soon' },
    '[]',
    'request-invalid',
    /Cloudlet-Deadline-Ms .* got "soon"/,
  ],
  [
    'a deadline of zero',
    'POST',
    '/v1/functions/hello/run',
    { 'cloudlet-deadline-ms': '0' },
    null,
    'request-invalid',
    /above 0/,
  ],
  [
    'an empty idempotency key',
    'POST',
    '/v1/functions/hello/run',
    { 'idempotency-key': '' },
    null,
    'request-invalid',
    /Idempotency-Key/,
  ],
  [
    'an unknown query',
    'POST',
    '/v1/functions/hello/run?args=1',
    {},
    null,
    'request-invalid',
    /only \?arg=… here, got "args"/,
  ],
  [
    'a rollback to a word',
    'POST',
    '/v1/functions/hello/rollback',
    JSON_TYPE,
    '{"version":"one"}',
    'request-invalid',
    /\$\.version: expected number, got "one"/,
  ],
  [
    'a rollback with an unknown key',
    'POST',
    '/v1/functions/hello/rollback',
    JSON_TYPE,
    '{"vresion":1}',
    'request-invalid',
    /vresion/,
  ],
  [
    'a rollback that is too long',
    'POST',
    '/v1/functions/hello/rollback',
    JSON_TYPE,
    `{"version":${'1'.repeat(5000)}}`,
    'body-too-large',
    /at most 4096/,
  ],
  [
    'a log that is half followed',
    'GET',
    '/v1/functions/hello/logs?follow=maybe',
    {},
    null,
    'request-invalid',
    /follow=true or follow=false/,
  ],
  ['the log of nothing', 'GET', '/v1/functions/other/logs', {}, null, 'function-unknown', /other/],
  ['an unknown deployment', 'GET', '/v1/deployments/d9/events', {}, null, 'not-found', /d9/],
  ['pairing, which is to come', 'POST', '/v1/pair', {}, null, 'not-found', /pairs no devices yet/],
  ['a session for nothing', 'POST', '/v1/session', JSON_TYPE, '{}', 'request-invalid', /token/],
  [
    'a session by form',
    'POST',
    '/v1/session',
    { 'content-type': 'text/plain' },
    '{}',
    'media-type-unsupported',
    /application\/json/,
  ],
];

for (const [what, method, path, headers, body, code, sentence] of BAD) {
  app(`${what} is ${code}, in a problem document`, async () => {
    const { app, engine } = testHost();
    const response = await app.request(path, {
      method,
      headers: { ...AS_OWNER, ...headers },
      ...(body === null ? {} : { body: Buffer.from(body, 'latin1') }),
    });
    const problem = (await response.json()) as Problem;
    assert.is(problem.code, code, problem.detail);
    assert.match(problem.detail, sentence);
    assert.ok(isErrorCode(problem.code));
    const { status, title } = ERRORS[problem.code];
    assert.equal([response.status, problem.status, problem.title], [status, status, title]);
    assert.is(response.headers.get('content-type'), 'application/problem+json');
    assert.is(problem.instance, path.split('?')[0]);
    assert.is(problem.type, `urn:cloudlet:error:${code}`);
    assert.equal(
      engine.started.filter((call) => !call.startsWith('publish')),
      [],
    );
  });
}

app('405 names the methods that there are', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/functions/hello/run', { headers: AS_OWNER });
  assert.equal([response.status, response.headers.get('allow')], [405, 'POST']);
});

app('a failure of ours says nothing about our insides, and the journal says all', async () => {
  const { app, engine, journal } = testHost();
  engine.functions = async () => {
    throw new TypeError('secret path /var/lib');
  };
  const response = await app.request('/v1/functions', { headers: AS_OWNER });
  const { detail, code } = (await response.json()) as Problem;
  assert.equal([response.status, code], [500, 'internal']);
  assert.not.match(detail, /secret/);
  const reference = /under ([0-9a-f-]{36})/.exec(detail)![1]!;
  const line = JSON.parse(journal[0]!) as Record<string, string>;
  assert.is(line['reference'], reference);
  assert.match(line['cause']!, /TypeError: secret path/);
});

app('while draining, nothing new is started, readyz says so and healthz lives', async () => {
  const { app, engine, drain } = testHost();
  drain();
  const run = await app.request('/v1/functions/hello/run', { method: 'POST', headers: AS_OWNER });
  const ready = await app.request('/readyz');
  assert.equal([run.status, ready.status, (await app.request('/healthz')).status], [503, 503, 200]);
  assert.equal([run.headers.get('retry-after'), ready.headers.get('retry-after')], ['5', '5']);
  assert.equal(engine.started, []);
});

app('HEAD works where GET does', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/functions', { method: 'HEAD', headers: AS_OWNER });
  assert.equal([response.status, await response.text()], [200, '']);
});

app('answers carry the headers that keep a browser modest', async () => {
  const { app } = testHost();
  for (const path of ['/healthz', '/v1/status', '/nothing']) {
    const { headers } = await app.request(path);
    assert.is(headers.get('x-content-type-options'), 'nosniff');
    assert.is(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    assert.is(headers.get('referrer-policy'), 'no-referrer');
  }
});

app('the description has every route, the schemas that validate, and the errors', async () => {
  const { app } = testHost();
  const response = await app.request('/openapi.json', { headers: AS_OWNER });
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<
      string,
      Record<string, { responses: Record<string, unknown>; requestBody?: unknown; security?: unknown }>
    >;
  };
  assert.match(document.openapi, /^3\.1/);
  for (const { method, path } of app.routes) {
    if (method === 'ALL' || path === '/openapi.json' || path === '/v1/pair') continue;
    const described = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    assert.ok(described, `${method} ${path} is described`);
    assert.ok('400' in described.responses && '500' in described.responses, path);
  }
  const rollback = JSON.stringify(document.paths['/v1/functions/{name}/rollback']!['post']!.requestBody);
  assert.match(rollback, /"version".*"integer".*"minimum":1/);
  assert.match(rollback, /"additionalProperties":false/);
  assert.ok(document.paths['/f/{name}/{path}']!['put']);
  assert.equal(document.paths['/healthz']!['get']!.security, []);
});

app.run();
