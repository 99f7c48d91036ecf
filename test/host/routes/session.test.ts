import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../../guest-sdk/protocol/index.ts';
import { AS_OWNER, TOKEN, testHost } from '../memory-engine.ts';

const session = suite('sessions over HTTP');

async function open(app: ReturnType<typeof testHost>['app'], token = TOKEN): Promise<Response> {
  const headers = { 'content-type': 'application/json', origin: 'http://localhost', 'sec-fetch-site': 'same-origin' };
  return await app.request('/v1/session', { method: 'POST', headers, body: JSON.stringify({ token }) });
}

session('the token is exchanged for a bearer and a cookie that scripts and other sites do not get', async () => {
  const { app } = testHost();
  const response = await open(app);
  assert.is(response.status, 201);
  const { session: secret, expiresAt } = (await response.json()) as Session;
  assert.match(
    response.headers.get('set-cookie')!,
    new RegExp(`^cloudlet-session-cl-0a1b2c3d=${secret}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict$`),
  );
  assert.ok(Date.parse(expiresAt) > Date.now());
  assert.is(response.headers.get('cache-control'), 'no-store');
  const byBearer = await app.request('/v1/status', { headers: { authorization: `Bearer ${secret}` } });
  const byCookie = await app.request('/v1/status', {
    headers: { cookie: `other=1; cloudlet-session-cl-0a1b2c3d=${secret}` },
  });
  assert.equal([byBearer.status, byCookie.status], [200, 200]);
});

session('a wrong token opens none, and guesses are limited', async () => {
  const { app } = testHost();
  for (let i = 0; i < 10; i++) {
    const response = await open(app, `guess ${i}`);
    assert.equal([response.status, response.headers.get('set-cookie')], [401, null]);
  }
  assert.is((await open(app, 'one more')).status, 429);
  assert.is((await open(app)).status, 201);
});

session('a session ends when its holder says so', async () => {
  const { app } = testHost();
  const { session: secret } = (await (await open(app)).json()) as Session;
  const headers = { authorization: `Bearer ${secret}` };
  const ended = await app.request('/v1/session', { method: 'DELETE', headers });
  assert.is(ended.status, 204);
  assert.match(ended.headers.get('set-cookie')!, /Max-Age=0/);
  assert.is((await app.request('/v1/status', { headers })).status, 401);
  assert.is((await app.request('/v1/status', { headers: AS_OWNER })).status, 200, 'the token stays');
});

session('a page elsewhere opens none, even with the right token', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://evil.example' },
    body: JSON.stringify({ token: TOKEN }),
  });
  assert.equal([response.status, response.headers.get('set-cookie')], [403, null]);
});

session('neither token nor session is ever written to the journal', async () => {
  const { app, journal } = testHost();
  const { session: secret } = (await (await open(app)).json()) as Session;
  await app.request(`/v1/nothing?token=${TOKEN}`, { headers: { authorization: `Bearer ${secret}` } });
  await open(app, 'wrong');
  assert.not.match(journal.join('\n'), new RegExp(`${TOKEN}|${secret}`));
});

session.run();
