import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem } from '../../../guest-sdk/protocol/index.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const secrets = suite('the routes of secrets');
const TEXT = { ...AS_OWNER, 'content-type': 'text/plain' };

secrets('set and remove, and answer with nothing', async () => {
  const { app, engine } = testHost();
  const set = await app.request('/v1/functions/hello/secrets/API_KEY', { method: 'PUT', headers: TEXT, body: 'value' });
  assert.equal([set.status, await set.text()], [204, '']);
  const removed = await app.request('/v1/functions/hello/secrets/API_KEY', { method: 'DELETE', headers: AS_OWNER });
  assert.equal([removed.status, await removed.text()], [204, '']);
  assert.equal(engine.started, ['set API_KEY of hello', 'remove API_KEY of hello']);
});

for (const [name, method, path, headers, body, status, code] of [
  ['a stranger', 'PUT', 'hello/secrets/a', { 'content-type': 'text/plain' }, 'x', 401, 'unauthorized'],
  ['an unknown function', 'PUT', 'nobody/secrets/a', TEXT, 'x', 404, 'function-unknown'],
  [
    'another media type',
    'PUT',
    'hello/secrets/a',
    { ...AS_OWNER, 'content-type': 'application/json' },
    'x',
    415,
    'media-type-unsupported',
  ],
  ['a long value', 'PUT', 'hello/secrets/a', TEXT, 'x'.repeat(65_537), 413, 'body-too-large'],
  ['whoever wants to read one', 'GET', 'hello/secrets/a', AS_OWNER, undefined, 405, 'method-not-allowed'],
] as const) {
  secrets(`refuse ${name}`, async () => {
    const { app, engine } = testHost();
    const response = await app.request(`/v1/functions/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    assert.is(response.status, status);
    assert.is(((await response.json()) as Problem).code, code);
    assert.equal(engine.started, []);
  });
}

secrets.run();
