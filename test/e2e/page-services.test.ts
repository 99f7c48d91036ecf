import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../host/config.ts';
import { silentJournal } from '../../host/journal.ts';
import { type Serving, serve } from '../../host/main.ts';
import { FakeVms, imageDigest, type LocalServer, serveLocally, serviceSpec } from '../support/fake-vm.ts';

const CHROMIUM = '/usr/bin/chromium';
/** The machine that runs the tests may be busy: nothing here is about speed. */
const PATIENCE_MS = 60_000;

interface World {
  folder: string;
  serving: Serving;
  browser: Browser;
  server: LocalServer;
}

const page = suite<World>('services on the page, in Chromium');

/** What a page of a server tries on the address that it shares with the cloudlet. */
const ATTACKS = {
  worker: "navigator.serviceWorker.register('/s/web/worker.js', { scope: '/' })",
  cookie: "(document.cookie = 'evil=1; path=/', document.cookie)",
  storage: "localStorage.setItem('evil', '1')",
  databases: "indexedDB.open('evil')",
  caches: "caches.open('evil')",
  status: "fetch('/v1/status', { credentials: 'include' }).then(({ status }) => status)",
  neighbour: "fetch('/s/other/', { credentials: 'include' }).then(({ text }) => text())",
  stop: "fetch('/v1/services/other/stop', { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(({ type, status }) => type + status)",
  frame:
    "new Promise((resolve, reject) => { const frame = document.createElement('iframe'); frame.onload = () => { try { resolve(frame.contentDocument.title); } catch (error) { reject(error); } }; frame.src = '/'; document.body.append(frame); })",
  popup: "Promise.resolve(window.open('/', '_blank').document.title)",
};
const EVIL = `<!doctype html><title>evil</title><ul></ul><form method="post" action="/v1/services/other/stop"></form><script type="module">
const say = (name, value) => { const item = document.createElement('li'); item.id = name; item.textContent = value; document.querySelector('ul').append(item); };
for (const [name, code] of ${JSON.stringify(Object.entries(ATTACKS))})
  try { say(name, 'came to ' + (await eval(code))); } catch (error) { say(name, 'refused ' + error.name); }
say('done', origin);
</script>`;
/** What a server sends to get hold of its neighbours, and of the cloudlet's own page. */
const EVIL_HEADERS = {
  'set-cookie': 'evil=1; Path=/',
  'service-worker-allowed': '/',
  'access-control-allow-origin': '*',
  'content-security-policy': 'sandbox allow-same-origin allow-scripts allow-forms allow-popups',
};

page.before(async (world) => {
  if (!existsSync(CHROMIUM)) {
    throw new Error('expected Chromium; install it with: apt-get install -y --no-install-recommends chromium');
  }
  const vms = new FakeVms();
  world.server = await serveLocally(
    createServer(({ url }, outgoing) => {
      if (url === '/worker.js')
        outgoing.writeHead(200, { ...EVIL_HEADERS, 'content-type': 'text/javascript' }).end('onfetch = () => {};');
      else if (url === '/evil') outgoing.writeHead(200, { ...EVIL_HEADERS, 'content-type': 'text/html' }).end(EVIL);
      else outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<h1>served</h1>');
    }),
  );
  vms.ports.set(80, world.server.port);
  world.folder = await mkdtemp(join(tmpdir(), 'cloudlet-page-'));
  const flags = { port: 0, data: join(world.folder, 'data'), cache: join(world.folder, 'cache'), sandbox: 'process' };
  world.serving = await serve(hostConfig(flags, { environment: {}, home: world.folder, isRoot: false }), {
    ...{ journal: silentJournal, say: () => {}, terminal: false, handleSignals: false, advertise: false },
    serviceWorld: vms.world,
  });
  world.browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
});
page.after(async ({ browser, serving, server, folder }) => {
  await browser?.close();
  await serving?.close();
  await server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function visible(tab: Page, text: RegExp): Promise<void> {
  const panel = tab.locator('[data-live="services"]');
  await panel.filter({ hasText: text }).waitFor();
}

page('a service comes, is started and stopped by hand, and goes', async ({ browser, serving }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  try {
    const complaints: string[] = [];
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE_MS);
    tab.on('pageerror', (error) => complaints.push(error.message));
    await tab.goto(serving.invitation.link);
    await tab.waitForSelector('#connection[data-state="live"]');
    assert.is(await tab.locator('[data-live="services"]').isVisible(), false);
    const { services } = serving.cloudlet;
    const name = parseName('web');
    services.put(name, imageDigest('a'), serviceSpec());
    await visible(tab, /No VM now/);
    await tab.click('[data-service="web"] [data-act="start"]');
    await visible(tab, /vm-\w+.*1 user.*20 MiB/s);
    assert.is(services.get(name).vms.length, 1);
    assert.is(await tab.getAttribute('[data-service="web"] h3 a', 'href'), '/s/web/');
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
    assert.ok(wide, 'nothing is wider than the screen of a phone');
    await tab.click('[data-service="web"] [data-act="stop"]');
    await visible(tab, /No VM now/);
    assert.equal(services.get(name).vms, []);
    await tab.click('[data-service="web"] [data-act="start"]');
    await visible(tab, /vm-\w+/);
    await tab.goto(`${serving.url}/s/web/`);
    assert.is(await tab.textContent('h1'), 'served');
    await tab.goBack();
    await services.remove(name);
    await tab.locator('[data-live="services"]').waitFor({ state: 'hidden' });
    assert.equal(complaints, []);
  } finally {
    await context.close();
  }
});

page('a page of a server gets hold of no cookie, worker or page of its neighbours, nor of ours', async (world) => {
  const { browser, serving } = world;
  const { services } = serving.cloudlet;
  const [web, other] = [parseName('web'), parseName('other')];
  const context = await browser.newContext();
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE_MS);
    await tab.goto(serving.invitation.link);
    await tab.waitForSelector('#connection[data-state="live"]');
    for (const name of [web, other]) services.put(name, imageDigest('a'), serviceSpec());
    await services.start(other, { mode: 'join' }, { user: 'somebody' });
    const cookies = await context.cookies();
    await tab.goto(`${serving.url}/s/web/evil`);
    await tab.waitForSelector('#done');
    assert.is(await tab.textContent('#done'), 'null', 'it has no origin');
    for (const name of Object.keys(ATTACKS))
      assert.match((await tab.textContent(`#${name}`))!, /^refused |opaque0/, name);
    const [answer] = await Promise.all([
      tab.waitForResponse(/services\/other\/stop$/),
      tab.evaluate(() => document.querySelector('form')!.submit()),
    ]);
    assert.is(answer.status(), 403);
    assert.is(services.get(other).vms.length, 1, 'nobody could stop it');
    const now = await context.cookies();
    assert.equal(
      now.map(({ name, value }) => [name, value]),
      cookies.map(({ name, value }) => [name, value]),
    );
    const ours = await context.newPage();
    await ours.goto(serving.url, { timeout: PATIENCE_MS });
    const workers = await ours.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
    assert.is(workers, 0);
    const script = await context.request.get(`${serving.url}/s/web/worker.js`, {
      headers: { 'service-worker': 'script' },
    });
    assert.is(script.status(), 403, 'also for a page that has our origin');
  } finally {
    await context.close();
    for (const name of [web, other]) await services.remove(name);
  }
});

page.run();
