import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinPieces, type Problem, tarPieces } from '../../../guest-sdk/protocol/index.ts';
import { application, type CatalogueLab, openCatalogueLab, utf8 } from '../../support/catalogue-lab.ts';
import { AS_OWNER, chunks, testHost } from '../memory-engine.ts';

const pages = suite<{ lab: CatalogueLab; host: ReturnType<typeof testHost>; base: string }>(
  'pages of web applications',
);

const SITE = joinPieces(
  tarPieces([
    ['index.html', utf8('<h1>notes</h1>')],
    ['js/a b.js', utf8('let a')],
  ]),
);
/** What a page without an origin sends with its requests. */
const FROM_PAGE = { origin: 'null', 'sec-fetch-site': 'cross-site' };

pages.before.each(async (world) => {
  world.lab = await openCatalogueLab();
  world.host = testHost();
  world.host.engine.catalogue = world.lab.catalogue;
  await world.lab.put({ format: 1, kind: 'function', name: 'server', version: '1', title: 'S', function: 'hello' });
  const put = (name: string, more: object) =>
    world.lab.put(application(name, [['site.tar', SITE]], { web: 'site.tar', ...more }), [SITE]);
  await put('notes', { server: 'server' });
  await put('other', {});
  const opened = await world.host.app.request('/w/notes/', { headers: AS_OWNER });
  assert.is(opened.status, 302);
  world.base = opened.headers.get('location')!;
});
pages.after.each(({ lab }) => lab.close());

pages(
  'are served below a ticket, to whoever has it, without an origin and with nothing else within reach',
  async ({ host: { app }, base }) => {
    assert.match(base, /^\/w\/notes\/~[\w-]{32}\/$/);
    for (const [path, type, text] of [
      ['', 'text/html; charset=utf-8', '<h1>notes</h1>'],
      ['js/a%20b.js', 'text/javascript; charset=utf-8', 'let a'],
    ] as const) {
      const answer = await app.request(`${base}${path}`, { headers: FROM_PAGE });
      assert.equal([answer.status, answer.headers.get('content-type'), await answer.text()], [200, type, text]);
      const policy = answer.headers.get('content-security-policy')!;
      assert.match(policy, /^sandbox allow-scripts/);
      assert.not.match(policy, /allow-same-origin|allow-top-navigation/);
      assert.match(policy, new RegExp(`default-src localhost${base.replaceAll('/', '\\/')} 'unsafe-inline'`));
      assert.is(answer.headers.get('access-control-allow-origin'), '*');
      assert.is(answer.headers.get('access-control-allow-credentials'), null);
    }
  },
);

pages(
  "ask their server, with their bodies, and in nobody's name that the server could use",
  async ({ host: { app, engine }, base }) => {
    let seen: unknown;
    engine.guest = async (request, input) => {
      const parts: Uint8Array[] = [];
      for await (const part of input) parts.push(part);
      seen =
        request.door === 'http'
          ? [
              request.method,
              request.path,
              request.headers.map(([name]) => name).sort(),
              Buffer.concat(parts).toString(),
            ]
          : null;
      return { head: { status: 201, headers: [['x-own', utf8('1')]] }, output: chunks('made') };
    };
    const answer = await app.request(`${base}~server/notes?all=1`, {
      method: 'POST',
      headers: {
        ...FROM_PAGE,
        'content-type': 'text/plain',
        cookie: 'cloudlet-session=x',
        referer: 'http://localhost/',
        accept: '*/*',
      },
      body: 'a note',
    });
    assert.equal(
      [
        answer.status,
        await answer.text(),
        answer.headers.get('x-own'),
        answer.headers.get('access-control-allow-origin'),
      ],
      [201, 'made', '1', '*'],
    );
    assert.equal(seen, ['POST', '/notes?all=1', ['accept', 'content-type'], 'a note']);
    const call = await app.request(`${base}~call/greet`, {
      method: 'POST',
      headers: { ...FROM_PAGE, 'content-type': 'application/json' },
      body: '["Ada"]',
    });
    assert.equal([call.status, await call.json()], [200, ['Ada']]);
    assert.equal(engine.started, ['http hello', 'call hello greet']);
  },
);

pages('may be asked what they may ask', async ({ host: { app }, base }) => {
  const answer = await app.request(`${base}~server/x`, { method: 'OPTIONS', headers: FROM_PAGE });
  assert.equal([answer.status, answer.headers.get('access-control-allow-headers')], [204, '*']);
});

for (const [what, path, method, headers, status] of [
  ['who has no session gets no ticket', '/w/notes/', 'GET', {}, 401],
  ['nor by a page that has none', '/w/notes/', 'GET', FROM_PAGE, 403],
  ['a ticket of another application opens nothing', 'OTHER', 'GET', {}, 302],
  ['nor lets anybody ask a server', 'OTHER~server/x', 'POST', {}, 404],
  ['a server cannot be left', 'BASE~server/../../../../v1/status', 'GET', {}, 401],
  ['nor by an escape', 'BASE~server/%2e%2e/%2e%2e/%2e%2e/%2e%2e/v1/status', 'GET', {}, 401],
  ['nor by a backslash', 'BASE~server/..\\..\\..\\..\\v1\\status', 'GET', {}, 401],
  ['nor its typed calls', 'BASE~call/../../../v1/status', 'GET', {}, 401],
  ['the cloudlet itself is not below a ticket', 'BASE~v1/status', 'GET', FROM_PAGE, 404],
  ['a page that is not below the ticket', 'BASE../index.html', 'GET', {}, 401],
  ['an escape of a folder', 'BASE..%2findex.html', 'GET', {}, 404],
  ['an escape that is none', 'BASE%ff', 'GET', {}, 404],
  ['a page that something is sent to', 'BASEindex.html', 'POST', {}, 404],
  ['a name of nothing', '/w/none/~AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/', 'GET', {}, 404],
] as const) {
  pages(what, async ({ host: { app, engine }, base }) => {
    const address = path.replace('BASE', base).replace('OTHER', base.replace('/notes/', '/other/'));
    const answer = await app.request(address, { method, headers });
    assert.is(answer.status, status);
    if (status === 302) assert.not.match(answer.headers.get('location')!, /~/);
    if (status >= 400) assert.ok(((await answer.json()) as Problem).code);
    assert.equal(engine.started, []);
  });
}

pages(
  'an update makes the old ticket void, and who has a session gets the new pages',
  async ({ host: { app }, lab, base }) => {
    await lab.put(application('notes', [['site.tar', SITE]], { web: 'site.tar', version: '2' }));
    const old = await app.request(base);
    assert.equal([old.status, old.headers.get('location')], [302, '/w/notes/']);
    const renewed = await app.request('/w/notes/', { headers: AS_OWNER });
    assert.is.not(renewed.headers.get('location'), base);
  },
);

pages('an application without a server has none to ask', async ({ host: { app }, base }) => {
  const own = (await app.request('/w/other/', { headers: AS_OWNER })).headers.get('location')!;
  assert.is.not(own, base.replace('/notes/', '/other/'));
  assert.is((await app.request(`${own}~server/`)).status, 404);
});

pages.run();
