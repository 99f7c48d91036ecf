import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AS_OWNER, TOKEN, testHost } from '../memory-engine.ts';

const gate = suite('the gate');
const OWN = 'http://localhost';

/** Requests that change or run something. */
const WORK: readonly [method: string, path: string, headers: Record<string, string>, body?: string][] = [
  ['PUT', '/v1/functions/hello', { 'content-type': 'application/wasm' }, 'x'],
  ['DELETE', '/v1/functions/hello', {}],
  ['POST', '/v1/functions/hello/rollback', {}],
  ['POST', '/v1/functions/hello/call/greet', { 'content-type': 'application/json' }, '[]'],
  ['POST', '/v1/functions/hello/run', {}, 'in'],
  ['GET', '/f/hello/', {}],
  ['POST', '/f/hello/x', {}, 'in'],
];
const READ = [
  '/v1/status',
  '/metrics',
  '/openapi.json',
  '/v1/functions',
  '/v1/functions/hello',
  '/v1/functions/hello/logs',
  '/v1/functions/hello/component',
  '/v1/deployments/d1',
  '/v1/events',
  '/v1/sandboxes',
  '/v1/invocations',
  '/v1/devices',
  '/nothing',
];

/** What strangers send, what they are told. */
const STRANGERS: readonly [who: string, headers: Record<string, string>, status: number, code: string][] = [
  ['without a token', {}, 401, 'unauthorized'],
  ['with a wrong token', { authorization: 'Bearer wrong' }, 401, 'unauthorized'],
  ['with the token cut short', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401, 'unauthorized'],
  ['with another scheme', { authorization: `Basic ${TOKEN}` }, 401, 'unauthorized'],
  ['for a service worker', { authorization: `Bearer ${TOKEN}`, 'service-worker': 'script' }, 403, 'forbidden'],
  ['with a stale cookie', { cookie: 'cloudlet-session-cl-0a1b2c3d=gone', origin: OWN }, 401, 'unauthorized'],
  ['with the token in a cookie', { cookie: `cloudlet-session-cl-0a1b2c3d=${TOKEN}`, origin: OWN }, 401, 'unauthorized'],
  ['from a page elsewhere', { ...AS_OWNER, origin: 'http://evil.example' }, 403, 'forbidden'],
  ['from another port of this machine', { ...AS_OWNER, origin: 'http://localhost:3000' }, 403, 'forbidden'],
  ['from a sandboxed page', { ...AS_OWNER, origin: 'null' }, 403, 'forbidden'],
  ['from another site, says the browser', { ...AS_OWNER, 'sec-fetch-site': 'cross-site' }, 403, 'forbidden'],
  ['from the same site but not our page', { ...AS_OWNER, 'sec-fetch-site': 'same-site' }, 403, 'forbidden'],
  ['under a rebound name', { ...AS_OWNER, host: 'evil.example' }, 403, 'forbidden'],
  [
    'under a rebound name with a matching origin',
    { ...AS_OWNER, host: 'evil.example', origin: 'http://evil.example' },
    403,
    'forbidden',
  ],
];

for (const [who, headers, status, code] of STRANGERS) {
  gate(`a request ${who} is told ${code}, and nothing is started or changed`, async () => {
    const { app, engine } = testHost();
    for (const [method, path, own, body] of WORK) {
      const response = await app.request(path, {
        method,
        headers: { ...own, ...headers },
        ...(body === undefined ? {} : { body }),
      });
      assert.is(response.status, status, `${method} ${path}`);
      assert.is(response.headers.get('content-type'), 'application/problem+json');
      assert.is(((await response.json()) as { code: string }).code, code);
    }
    assert.equal(engine.started, []);
    assert.ok(engine.bodies.has('hello'));
  });
}

gate('reading more than the anonymous set needs a session, too', async () => {
  const { app } = testHost();
  for (const path of READ) assert.is((await app.request(path)).status, 401, path);
});

gate('a stranger gets liveness, readiness and the advertisement', async () => {
  const { app } = testHost();
  for (const path of ['/healthz', '/readyz', '/v1/advertisement'])
    assert.is((await app.request(path)).status, 200, path);
  assert.equal(await (await app.request('/v1/advertisement')).json(), {
    id: 'cl-0a1b2c3d',
    name: 'test',
    version: '0.1.0',
    path: '/v1',
    auth: 'token',
  });
});

gate('a page elsewhere may show that we live, but a rebound name may not even that', async () => {
  const { app } = testHost();
  assert.is(
    (await app.request('/healthz', { headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' } }))
      .status,
    200,
  );
  assert.is((await app.request('/healthz', { headers: { host: 'evil.example' } })).status, 403);
  assert.is(
    (await app.request('http://evil.example/healthz', { headers: { host: 'localhost' } })).status,
    403,
    'absolute form',
  );
});

gate('401 says how to be let in', async () => {
  const { app } = testHost();
  assert.is((await app.request('/v1/status')).headers.get('www-authenticate'), 'Bearer realm="cloudlet"');
});

gate('no answer opens itself to other origins', async () => {
  const { app } = testHost();
  const preflight = await app.request('/v1/functions/hello', {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'PUT' },
  });
  assert.is(preflight.status, 403);
  const answers = [preflight, await app.request('/healthz', { headers: { origin: 'http://evil.example' } })];
  for (const answer of answers) for (const [name] of answer.headers) assert.not.match(name, /^access-control/);
});

gate('wrong tokens are told to wait after ten, the right one passes even then', async () => {
  const { app } = testHost();
  const ask = async (token: string): Promise<Response> =>
    await app.request('/v1/status', { headers: { authorization: `Bearer ${token}` } });
  for (let i = 0; i < 10; i++) assert.is((await ask(`wrong-${i}`)).status, 401);
  const told = await ask('wrong-again');
  assert.is(told.status, 429);
  assert.ok(Number(told.headers.get('retry-after')) > 0);
  assert.is((await ask(TOKEN)).status, 200);
});

gate('a cookie needs our own origin to change something, a bearer does not', async () => {
  const { app } = testHost();
  const cookie = await openSession(app);
  const run = async (headers: Record<string, string>): Promise<number> =>
    (await app.request('/v1/functions/hello/run', { method: 'POST', headers: { cookie, ...headers } })).status;
  assert.is(await run({}), 403);
  assert.is(await run({ origin: OWN }), 200);
  assert.is(await run({ 'sec-fetch-site': 'same-origin' }), 200);
  assert.is((await app.request('/v1/status', { headers: { cookie } })).status, 200, 'reading needs none');
});

async function openSession(app: ReturnType<typeof testHost>['app']): Promise<string> {
  const opened = await app.request('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  });
  return opened.headers.get('set-cookie')!.split(';')[0]!;
}

gate.run();
