// time limit: 120 s
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

page.before(async (world) => {
  if (!existsSync(CHROMIUM)) {
    throw new Error('expected Chromium; install it with: apt-get install -y --no-install-recommends chromium');
  }
  const vms = new FakeVms();
  world.server = await serveLocally(
    createServer((_, outgoing) => outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<h1>served</h1>')),
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

page.run();
