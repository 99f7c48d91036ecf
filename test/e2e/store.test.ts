import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient } from '../../guest-sdk/client/index.ts';
import {
  canonicalBytes,
  joinPieces,
  newPublisherKey,
  parseEntryManifest,
  signDetached,
  tarPieces,
} from '../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../host/config.ts';
import { silentJournal } from '../../host/journal.ts';
import { type Serving, serve } from '../../host/main.ts';
import { application, digestOf, utf8 } from '../support/catalogue-lab.ts';
import { guest } from '../support/guest.ts';
import { writePng } from '../support/png.ts';

const CHROMIUM = '/usr/bin/chromium';
const PATIENCE_MS = 60_000;
/** Narrow phones are 360 px wide. */
const PHONE = {
  ...{
    viewport: { width: 360, height: 760 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
    acceptDownloads: true,
  },
  userAgent:
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36',
};
/** Where pictures of the pages go, for somebody to look at; nowhere when it is not said. */
const PICTURES = process.env['CLOUDLET_TEST_PICTURES'];

interface World {
  folder: string;
  serving: Serving;
  browser: Browser;
  fingerprint: string;
}

const store = suite<World>('the store in Chromium');

/** A page that tries what it must not, says what came of it, and asks its server. */
const SITE = joinPieces(
  tarPieces([
    [
      'index.html',
      utf8(
        `<!doctype html><meta name="viewport" content="width=device-width"><title>notes</title><link rel="stylesheet" href="a.css"><h1>Notes</h1><ul></ul><script type="module" src="js/app.js"></script>`,
      ),
    ],
    ['a.css', utf8('h1 { color: rgb(1, 2, 3) }')],
    ['data.json', utf8('{"from":"data"}')],
    [
      'js/app.js',
      utf8(`
import { words } from './words.js';
const say = (name, value) => { const item = document.createElement('li'); item.id = name; item.textContent = value; document.querySelector('ul').append(item); };
const attempt = async (name, act) => { try { say(name, String(await act())); } catch (error) { say(name, 'refused ' + error.name); } };
say('module', words);
await attempt('data', async () => (await (await fetch('data.json')).json()).from);
await attempt('server', async () => (await fetch('~call/' + encodeURIComponent('greet'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '["page"]' })).text());
await attempt('cookie', () => document.cookie);
await attempt('storage', () => localStorage.length);
await attempt('status', async () => (await fetch('/v1/status')).status);
await attempt('other', async () => (await fetch(location.pathname.replace('/notes/', '/other/'))).status);
await attempt('network', async () => (await fetch('http://127.0.0.1:1/')).status);
say('origin', origin);
say('done', 'done');
`),
    ],
    ['js/words.js', utf8("export const words = 'imported';")],
  ]),
);

store.before(async (world) => {
  if (!existsSync(CHROMIUM))
    throw new Error('expected Chromium; install it with: apt-get install -y --no-install-recommends chromium');
  world.folder = await mkdtemp(join(tmpdir(), 'cloudlet-store-'));
  const flags = { port: 0, data: join(world.folder, 'data'), cache: join(world.folder, 'cache'), sandbox: 'process' };
  world.serving = await serve(hostConfig(flags, { environment: {}, home: world.folder, isRoot: false }), {
    ...{ journal: silentJournal, say: () => {}, terminal: false, handleSignals: false, advertise: false },
  });
  await fill(world);
  world.browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    ],
  });
});

store.after(async (world) => {
  await world.browser?.close();
  await world.serving?.close();
  if (world.folder !== undefined) await rm(world.folder, { recursive: true, force: true });
});

async function fill(world: World): Promise<void> {
  const { serving } = world;
  const client = createClient({ url: serving.url, token: serving.cloudlet.ownerToken });
  const component = await readFile(await guest('typed'));
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => [(i / 192) * 4, ((i / 3) % 64) * 4, 160][i % 3]!);
  const picture = writePng({ width: 64, height: 64, channels: 3, pixels });
  const apk = utf8('an application package');
  const files = new Map([SITE, component, picture, apk].map((bytes) => [digestOf(bytes), bytes]));
  const icon = { digest: digestOf(picture), bytes: picture.length, mediaType: 'image/png' };
  const key = await newPublisherKey();
  const put = async (entry: object, signed = true): Promise<void> => {
    const manifest = parseEntryManifest(entry);
    const signature = signed ? await signDetached(canonicalBytes(manifest), key, 'entry') : undefined;
    await client.store.put(manifest, { signature, open: (digest) => files.get(digest)! });
  };
  await put({
    ...{
      format: 1,
      kind: 'function',
      name: 'notes-server',
      version: '1',
      title: 'Notes, the server',
      function: 'typed',
      package: 'typed.wasm',
    },
    files: [
      { name: 'typed.wasm', digest: digestOf(component), bytes: component.length, mediaType: 'application/wasm' },
    ],
  });
  const about =
    'Writes down what you say.\n\nThe heavy work is done by the cloudlet, so that the battery of the phone lasts; without one nearby the application does it alone, more slowly.';
  await put(
    application(
      'notes',
      [
        ['site.tar', SITE],
        [
          'notes-2.1.0-arm64.apk',
          apk,
          { os: 'android', osVersion: '13', mediaType: 'application/vnd.android.package-archive' },
        ],
      ],
      {
        ...{
          title: 'Notes that listen',
          version: '2.1',
          description: about,
          tags: ['speech', 'text'],
          homepage: 'https://notes.example/',
          icon,
        },
        ...{ web: 'site.tar', server: 'notes-server' },
      },
    ),
  );
  await put(
    application('other', [['site.tar', SITE]], {
      web: 'site.tar',
      title: `A title without an end ${'long'.repeat(13)}`,
    }),
    false,
  );
  world.fingerprint = (await client.store.entry('notes')).publisher!.fingerprint;
}

async function visit(world: World, options: object, act: (tab: Page) => Promise<void>): Promise<void> {
  const context = await world.browser.newContext(options);
  const complaints: string[] = [];
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE_MS);
    tab.on('pageerror', (error) => complaints.push(error.message));
    await tab.goto(world.serving.invitation.link);
    await tab.waitForSelector('#connection');
    await act(tab);
    assert.equal(complaints, []);
  } finally {
    await context.close();
  }
}

const text = async (tab: Page, selector: string) =>
  ((await tab.textContent(selector)) ?? '').replace(/\s+/g, ' ').trim();

async function picture(tab: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await tab.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

async function fitsScreen(tab: Page): Promise<void> {
  const wide = await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  assert.is(wide, 0, `${tab.url()} is wider than the screen by ${wide} px`);
}

store('a person with a phone and without scripts finds an application and reads whose it is', async (world) => {
  await visit(world, PHONE, async (tab) => {
    const state = await tab.context().storageState();
    const plain = await world.browser.newContext({ ...PHONE, javaScriptEnabled: false, storageState: state });
    try {
      const page = await plain.newPage();
      await page.goto(`${world.serving.url}/store`);
      await fitsScreen(page);
      await picture(page, 'store-phone');
      await page.fill('input[name="q"]', 'listen');
      await page.click('.search button');
      assert.equal(await page.locator('.entry h2').allTextContents(), ['Notes that listen']);
      await page.click('.entry h2 a');
      await page.waitForURL(/\/store\/notes$/);
      await fitsScreen(page);
      assert.is((await text(page, '.fingerprint')).replaceAll(' ', ''), world.fingerprint);
      await picture(page, 'entry-phone');
      await page.click('.install button');
      await page.waitForSelector('.outcome');
      assert.match(
        await text(page, '.outcome'),
        /Notes that listen is ready Its function typed is at .*Open Save notes-2\.1\.0-arm64\.apk/,
      );
      await fitsScreen(page);
      await picture(page, 'installed-phone');
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('.outcome a[download]')]);
      assert.is(await readFile(await download.path(), 'utf8'), 'an application package');
    } finally {
      await plain.close();
    }
  });
});

store('its pages run, reach their server, and nothing else', async (world) => {
  await visit(world, PHONE, async (tab) => {
    await tab.goto(`${world.serving.url}/w/notes/`);
    await tab.waitForSelector('#done');
    assert.is(await tab.evaluate("getComputedStyle(document.querySelector('h1')).color"), 'rgb(1, 2, 3)');
    const said = Object.fromEntries(
      await Promise.all(
        ['module', 'data', 'server', 'cookie', 'storage', 'status', 'other', 'network', 'origin'].map(
          async (id) => [id, await text(tab, `#${id}`)] as const,
        ),
      ),
    );
    assert.match(said['server']!, /page/);
    assert.equal(
      { ...said, server: '' },
      {
        ...{
          module: 'imported',
          data: 'data',
          server: '',
          cookie: 'refused SecurityError',
          storage: 'refused SecurityError',
        },
        ...{ status: 'refused TypeError', other: 'refused TypeError', network: 'refused TypeError', origin: 'null' },
      },
    );
  });
});

store('the list works with the keyboard alone and says its parts to a screen reader', async (world) => {
  await visit(world, { viewport: { width: 1280, height: 800 } }, async (tab) => {
    await tab.goto(`${world.serving.url}/store`);
    await picture(tab, 'store-desktop');
    const roles = await tab.locator('main').ariaSnapshot();
    for (const part of [
      /heading "Store" \[level=1\]/,
      /search/,
      /searchbox "Search the store"/,
      /combobox "System"/,
      /status/,
      /listitem/,
      /heading "Notes that listen" \[level=2\]/,
      /link "Notes that listen"/,
    ])
      assert.match(roles, part);
    await tab.focus('input[name="q"]');
    await tab.keyboard.type('server');
    await tab.keyboard.press('Enter');
    await tab.waitForURL(/q=server/);
    await tab.focus('.entry h2 a');
    await tab.keyboard.press('Enter');
    await tab.waitForURL(/\/store\/notes-server$/);
    await tab.focus('.install button');
    await tab.keyboard.press('Enter');
    await tab.waitForSelector('.outcome');
    await picture(tab, 'entry-desktop');
  });
});

store('the owner offers a file from the page', async (world) => {
  await visit(world, PHONE, async (tab) => {
    await tab.goto(`${world.serving.url}/store`);
    await tab.click('.add summary');
    await tab.setInputFiles('#add-file', { name: 'My Tool.apk', mimeType: '', buffer: Buffer.from('tool') });
    assert.equal([await tab.inputValue('#add-name'), await tab.inputValue('#add-os')], ['my-tool', 'android']);
    await fitsScreen(tab);
    await tab.click('#add-form button');
    await tab.waitForURL(/\/store\/my-tool$/);
    assert.match(await text(tab, '.files'), /My Tool\.apk 4 B Android/);
    assert.match(await text(tab, '.entry-facts'), /nobody/);
  });
});

store.run();
