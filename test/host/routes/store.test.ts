import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  canonicalBytes,
  type EntryInfo,
  type EntryList,
  type EntryPut,
  type Installed,
  newPublisherKey,
  type Problem,
  signDetached,
} from '../../../guest-sdk/protocol/index.ts';
import { application, type CatalogueLab, digestOf, openCatalogueLab, utf8 } from '../../support/catalogue-lab.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const store = suite<{ lab: CatalogueLab; host: ReturnType<typeof testHost> }>('the routes of the store');

store.before.each(async (world) => {
  world.lab = await openCatalogueLab();
  world.host = testHost();
  world.host.engine.catalogue = world.lab.catalogue;
});
store.after.each(({ lab }) => lab.close());

type App = ReturnType<typeof testHost>['app'];
const JSON_HEADERS = { ...AS_OWNER, 'content-type': 'application/json' };
const HTML = utf8('<script>alert(document.cookie)</script>');
const PAGE = application('page', [['evil "page".html', HTML, { mediaType: 'text/html' }]]);

const put = (app: App, name: string, body: unknown) =>
  app.request(`/v1/store/${name}`, { method: 'PUT', headers: JSON_HEADERS, body: JSON.stringify(body) });
const send = (app: App, bytes: Uint8Array, headers: Record<string, string> = {}) =>
  app.request('/v1/store/page/files', {
    method: 'POST',
    headers: {
      ...{ ...AS_OWNER, 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) },
      ...headers,
    },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
const get = (app: App, path: string, headers: Record<string, string> = {}) =>
  app.request(path, { headers: { ...AS_OWNER, ...headers } });

store('take a signed entry: told what is missing, sent it, listed, shown, removed', async ({ host: { app } }) => {
  const signature = await signDetached(canonicalBytes(PAGE), await newPublisherKey(), 'entry');
  const first = await put(app, 'page', { manifest: PAGE, signature });
  assert.equal([first.status, ((await first.json()) as EntryPut).missing], [202, [digestOf(HTML)]]);
  const sent = await send(app, HTML, {
    'content-digest': `sha-256=:${Buffer.from(digestOf(HTML).slice(7), 'hex').toString('base64')}:`,
  });
  assert.equal([sent.status, await sent.json()], [201, { digest: digestOf(HTML), bytes: HTML.length }]);
  assert.is((await put(app, 'page', { manifest: PAGE, signature })).status, 201);
  assert.is((await put(app, 'page', { manifest: PAGE, signature })).status, 200);
  const { entries, total } = (await (await get(app, '/v1/store?q=the&os=ios&page=1')).json()) as EntryList;
  assert.equal([total, entries[0]!.title, entries[0]!.publisher?.trusted], [1, 'The page', true]);
  const info = (await (await get(app, '/v1/store/page')).json()) as EntryInfo;
  assert.equal([info.manifest as object, info.signature, info.page], [PAGE, signature, '/store/page']);
  const removed = await app.request('/v1/store/page', { method: 'DELETE', headers: AS_OWNER });
  assert.equal([removed.status, (await get(app, '/v1/store/page')).status], [204, 404]);
});

store('a file is inert, whatever it is: saved, of its said type, without an origin', async ({ host: { app }, lab }) => {
  await lab.put(PAGE, [HTML]);
  const answer = await get(app, `/v1/store/page/files/${digestOf(HTML)}`);
  assert.equal(new Uint8Array(await answer.arrayBuffer()), HTML);
  const headers = Object.fromEntries(answer.headers);
  assert.is(headers['content-type'], 'text/html');
  assert.is(
    headers['content-disposition'],
    `attachment; filename="evil _page_.html"; filename*=UTF-8''evil%20%22page%22.html`,
  );
  assert.match(headers['content-security-policy']!, /^sandbox; default-src 'none'/);
  assert.is(headers['x-content-type-options'], 'nosniff');
  assert.is(headers['content-length'], String(HTML.length));
});

for (const [what, headers, status, text, range] of [
  ['the whole', {}, 200, new TextDecoder().decode(HTML), null],
  ['a range', { range: 'bytes=1-6' }, 206, 'script', `bytes 1-6/${HTML.length}`],
  ['the end', { range: 'bytes=-9' }, 206, '</script>', `bytes ${HTML.length - 9}-${HTML.length - 1}/${HTML.length}`],
  [
    'a range of what it knows',
    { range: 'bytes=0-0', 'if-range': `"${digestOf(HTML)}"` },
    206,
    '<',
    `bytes 0-0/${HTML.length}`,
  ],
  [
    'the whole, when it is another',
    { range: 'bytes=0-0', 'if-range': '"x"' },
    200,
    new TextDecoder().decode(HTML),
    null,
  ],
  ['nothing, when it is known', { 'if-none-match': `"${digestOf(HTML)}"` }, 304, '', null],
] as const) {
  store(`give ${what} of a file`, async ({ host: { app }, lab }) => {
    await lab.put(PAGE, [HTML]);
    const answer = await get(app, `/v1/store/page/files/${digestOf(HTML)}`, headers);
    assert.equal([answer.status, await answer.text(), answer.headers.get('content-range')], [status, text, range]);
  });
}

store('say how long a file is when a range begins behind it', async ({ host: { app }, lab }) => {
  await lab.put(PAGE, [HTML]);
  const answer = await get(app, `/v1/store/page/files/${digestOf(HTML)}`, { range: 'bytes=999-' });
  assert.equal([answer.status, answer.headers.get('content-range')], [416, `bytes */${HTML.length}`]);
  assert.is(((await answer.json()) as Problem).code, 'range-unsatisfiable');
});

store('install, for the device that asks', async ({ host: { app }, lab }) => {
  await lab.put({ format: 1, kind: 'function', name: 'server', version: '1', title: 'S', function: 'hello' });
  await lab.put(
    application(
      'app',
      [
        ['a.apk', HTML, { os: 'android' }],
        ['a.ipa', HTML, { os: 'ios' }],
      ],
      { server: 'server' },
    ),
    [HTML],
  );
  const answer = await app.request('/v1/store/app/install', {
    method: 'POST',
    headers: JSON_HEADERS,
    body: '{"os":"ios"}',
  });
  const installed = (await answer.json()) as Installed;
  assert.equal(
    installed.files.map(({ name, address }) => [name, address]),
    [['a.ipa', `/v1/store/app/files/${digestOf(HTML)}`]],
  );
  assert.equal([installed.server?.address, lab.provisioned], ['/f/server/', ['server']]);
});

store('show and forget keys that were accepted', async ({ host, lab }) => {
  const key = await newPublisherKey();
  const signature = await signDetached(canonicalBytes(PAGE), key, 'entry');
  await lab.send(HTML);
  const { publisher } = await (async () => {
    await put(host.app, 'page', { manifest: PAGE, signature });
    return lab.catalogue.entry('page');
  })();
  await put(host.app, 'page', { manifest: PAGE, signature, trust: publisher!.fingerprint });
  const listed = (await (await get(host.app, '/v1/publishers')).json()) as { publishers: { fingerprint: string }[] };
  assert.equal(
    listed.publishers.map(({ fingerprint }) => fingerprint),
    [publisher!.fingerprint],
  );
  const address = `/v1/publishers/${publisher!.fingerprint}`;
  const forget = () => host.app.request(address, { method: 'DELETE', headers: AS_OWNER });
  assert.equal([(await forget()).status, (await forget()).status], [204, 404]);
});

const strangers = { 'content-type': 'application/json' };
for (const [who, method, path, headers, body, status, code] of [
  ['a stranger who lists', 'GET', '', {}, undefined, 401, 'unauthorized'],
  ['a stranger who puts', 'PUT', '/page', strangers, '{}', 401, 'unauthorized'],
  ['a stranger who sends', 'POST', '/page/files', strangers, 'x', 401, 'unauthorized'],
  ['a stranger who fetches', 'GET', `/page/files/${digestOf('')}`, {}, undefined, 401, 'unauthorized'],
  ['another site', 'GET', '', { ...AS_OWNER, origin: 'http://evil.example' }, undefined, 403, 'forbidden'],
  ['a name of nothing', 'GET', '/none', AS_OWNER, undefined, 404, 'store-unknown'],
  ['a name that is none', 'GET', '/..%2f', AS_OWNER, undefined, 400, 'request-invalid'],
  ['an unknown question', 'GET', '?sort=price', AS_OWNER, undefined, 400, 'request-invalid'],
  ['page 0', 'GET', '?page=0', AS_OWNER, undefined, 400, 'request-invalid'],
  ['page 1e9', 'GET', '?page=1000000000', AS_OWNER, undefined, 400, 'request-invalid'],
  ['a version of words', 'GET', '?os=android&osVersion=new', AS_OWNER, undefined, 400, 'request-invalid'],
  ['another kind', 'GET', '?kind=game', AS_OWNER, undefined, 400, 'request-invalid'],
  ['no manifest', 'PUT', '/page', JSON_HEADERS, '{}', 400, 'request-invalid'],
  ['an unknown key', 'PUT', '/page', JSON_HEADERS, '{"manifest":{},"force":true}', 400, 'request-invalid'],
  ['a form', 'PUT', '/page', { ...AS_OWNER, 'content-type': 'text/plain' }, '{}', 415, 'media-type-unsupported'],
  ['a long manifest', 'PUT', '/page', JSON_HEADERS, `{"manifest":"${'x'.repeat(200_000)}"}`, 413, 'body-too-large'],
  [
    'a file of no length',
    'POST',
    '/page/files',
    { ...AS_OWNER, 'content-type': 'application/octet-stream' },
    'x',
    400,
    'request-invalid',
  ],
  ['a digest of another entry', 'GET', `/page/files/${digestOf('other')}`, AS_OWNER, undefined, 404, 'not-found'],
  [
    'a digest with a path in it',
    'GET',
    '/page/files/..%2f..%2fowner-token',
    AS_OWNER,
    undefined,
    400,
    'request-invalid',
  ],
] as const) {
  store(`refuse ${who}`, async ({ host: { app }, lab }) => {
    await lab.put(PAGE, [HTML]);
    const answer = await app.request(`/v1/store${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    assert.equal([answer.status, ((await answer.json()) as Problem).code], [status, code]);
  });
}

store.run();
