import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newPublisherKey } from '../../../guest-sdk/protocol/index.ts';
import { createApp } from '../../../host/app.ts';
import { dashboard } from '../../../host/dashboard/index.ts';
import { deviceOf } from '../../../host/dashboard/store/device.ts';
import { application, type CatalogueLab, digestOf, openCatalogueLab, utf8 } from '../../support/catalogue-lab.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const store = suite<{ lab: CatalogueLab; app: ReturnType<typeof createApp> }>('the pages of the store');

const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onclick='x`;
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), utf8(EVIL)]);
const FILE = utf8('file');

store.before.each(async (world) => {
  world.lab = await openCatalogueLab();
  const { engine, parts } = testHost();
  engine.catalogue = world.lab.catalogue;
  world.app = createApp(parts, dashboard({ cloudlet: engine, addresses: () => ['http://10.0.0.2:8080'] }));
  const evil = application('evil', [[EVIL.replaceAll('/', '-'), FILE]], {
    ...{ title: EVIL.slice(0, 80), description: EVIL, version: EVIL.slice(0, 64), tags: ['tag'], server: 'nothing' },
    ...{
      homepage: 'https://example.org/"onmouseover="alert(1)',
      icon: { digest: digestOf(PNG), bytes: PNG.length, mediaType: 'image/png' },
    },
  });
  await world.lab.put(evil, [FILE, PNG], await newPublisherKey());
});
store.after.each(({ lab }) => lab.close());

const get = async (
  app: ReturnType<typeof createApp>,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; html: string; headers: Headers }> => {
  const answer = await app.request(path, { headers: AS_OWNER, ...init });
  return { status: answer.status, html: await answer.text(), headers: answer.headers };
};

store('let nothing that a publisher wrote become markup', async ({ app }) => {
  const pages = [
    await get(app, '/store'),
    await get(app, `/store?q=${encodeURIComponent(EVIL)}&tag=${encodeURIComponent('<b>')}&os=android`),
    await get(app, '/store/evil'),
    await get(app, '/store/evil/install', { method: 'POST', headers: AS_OWNER }),
  ];
  for (const { status, html, headers } of pages) {
    assert.is(status, 200);
    // What is between quotes is a value, and its own quotes are written otherwise.
    assert.not.match(html.replace(/"[^"]*"/g, '""'), /<script>|<img src=x|<b>|<[^>]*\son\w+=/);
    assert.match(
      headers.get('content-security-policy')!,
      /default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:/,
    );
  }
  assert.match(pages[3]!.html, /role="alert"[\s\S]*store-unknown/);
});

store('show a stranger the entrance, whether there is such an entry or not', async ({ app }) => {
  const [list, there, not] = await Promise.all(
    ['/store', '/store/evil', '/store/none'].map((path) => get(app, path, { headers: {} })),
  );
  assert.equal([list!.html, there!.html], [there!.html, not!.html]);
  assert.match(list!.html, /entrance/);
  assert.not.match(there!.html, /evil/);
  assert.is((await get(app, '/store/evil/install', { method: 'POST', headers: {} })).status, 401);
});

store('offer what fits the device first, and the whole of it', async ({ app, lab }) => {
  const files = [
    ['a.ipa', FILE, { os: 'ios' }],
    ['a.apk', utf8('2'), { os: 'android', osVersion: '13' }],
  ] as const;
  await lab.put(application('app', files), [utf8('2')]);
  const headers = { ...AS_OWNER, 'user-agent': 'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130' };
  const { html } = await get(app, '/store/app', { headers });
  assert.match(html, /Install for Android/);
  assert.ok(html.indexOf('a.apk') < html.indexOf('a.ipa'));
  assert.match(html, /aria-label="QR code of http:\/\/10\.0\.0\.2:8080\/store\/app"/);
  const done = await get(app, '/store/app/install', { method: 'POST', headers });
  assert.match(done.html, new RegExp(`href="/v1/store/app/files/${digestOf('2')}" download="a.apk"`));
  assert.not.match(done.html.slice(0, done.html.indexOf('files-title')), /a\.ipa/);
});

store('are paged and found by plain links', async ({ app, lab }) => {
  for (let i = 0; i < 51; i += 1) await lab.put(application(`app-${i}`));
  const { html } = await get(app, '/store?q=app');
  assert.match(html, /51 entries found/);
  assert.match(html, /href="\/store\?q=app&amp;page=2"/);
  assert.is((await get(app, '/store?page=x')).status, 400);
});

for (const [agent, device] of [
  ['Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36', { os: 'android', osVersion: '14' }],
  ['Mozilla/5.0 (Android 13; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0', { os: 'android', osVersion: '13' }],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605', { os: 'ios', osVersion: '17.5.1' }],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', { os: 'macos' }],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', { os: 'windows' }],
  ['Mozilla/5.0 (X11; Linux x86_64)', { os: 'linux' }],
  ['curl/8', {}],
  [undefined, {}],
] as const) {
  store(`take ${agent} for ${JSON.stringify(device)}`, () => assert.equal(deviceOf(agent), device));
}

store.run();
