import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../guest-sdk/build/index.ts';
import { contentOf, createClient, cutIntoParts } from '../../guest-sdk/client/index.ts';
import { hostConfig } from '../../host/config.ts';
import { silentJournal } from '../../host/journal.ts';
import { type Serving, serve } from '../../host/main.ts';
import { guest } from '../support/guest.ts';

const CHROMIUM = '/usr/bin/chromium';
const PHOTO_PROJECT = fileURLToPath(new URL('../../examples/photo', import.meta.url));
const PHOTO = join(PHOTO_PROJECT, 'photo.jpg');

/** The machine that runs the tests may be busy: nothing here is about speed. */
const PATIENCE_MS = 60_000;

const SCREENS = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  desktop: { viewport: { width: 1280, height: 800 } },
} as const;

interface World {
  folder: string;
  serving: Serving;
  browser: Browser;
}

const page = suite<World>('the page in Chromium');

page.before(async (world) => {
  if (!existsSync(CHROMIUM)) {
    throw new Error('expected Chromium; install it with: apt-get install -y --no-install-recommends chromium');
  }
  world.folder = await mkdtemp(join(tmpdir(), 'cloudlet-page-'));
  const flags = { port: 0, data: join(world.folder, 'data'), cache: join(world.folder, 'cache'), sandbox: 'process' };
  world.serving = await serve(hostConfig(flags, { environment: {}, home: world.folder, isRoot: false }), {
    journal: silentJournal,
    say: () => {},
    terminal: false,
    handleSignals: false,
    advertise: false,
  });
  const { component } = await build(PHOTO_PROJECT, { output: join(world.folder, 'build') });
  await publish(world, 'photo', component);
  await publish(world, 'typed', await guest('typed'));
  world.browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    ],
  });
});

page.after(async (world) => {
  await world.browser?.close();
  await world.serving?.close();
  if (world.folder !== undefined) await rm(world.folder, { recursive: true, force: true });
});

async function publish({ serving, folder }: World, name: string, component: string): Promise<void> {
  const token = (await readFile(join(folder, 'data/owner-token'), 'utf8')).trim();
  const answer = await fetch(`${serving.url}/v1/functions/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/wasm' },
    body: await readFile(component),
  });
  assert.is(answer.status, 201, await answer.text());
}

/** Runs `act` in a browser that nobody used before; its scripts must not fail, nor ask for what the content policy refuses. */
async function visit(
  world: World,
  screen: keyof typeof SCREENS,
  act: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await world.browser.newContext({ ...SCREENS[screen], acceptDownloads: false });
  const complaints: string[] = [];
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE_MS);
    tab.on('pageerror', (error) => complaints.push(error.message));
    tab.on('console', (message) => {
      // The browser itself reports refused requests, which some tests are about.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
    await act(tab, context).finally(() => assert.equal(complaints, []));
  } finally {
    await context.close();
  }
}

/** Opens the link that the terminal shows. */
async function enter(tab: Page, { serving }: World): Promise<void> {
  await tab.goto(serving.invitation.link);
  await tab.waitForSelector('#picture');
  await tab.waitForSelector('#connection[data-state="live"]');
}

async function text(tab: Page, selector: string): Promise<string> {
  return ((await tab.textContent(selector)) ?? '').replace(/\s+/g, ' ').trim();
}

page('a stranger learns how to get in, and a wrong token is refused in words', async (world) => {
  await visit(world, 'phone', async (tab) => {
    await tab.goto(world.serving.url);
    assert.not.match(await tab.content(), /photo|typed/);
    await tab.fill('#entrance-token', 'not-the-token');
    await tab.click('#entrance-form button');
    await tab.waitForSelector('#entrance-problem .problem');
    assert.match(await text(tab, '#entrance-problem'), /This is not the token of this cloudlet/);
  });
});

page('the link of the terminal lets its holder in, and the token leaves the address bar', async (world) => {
  await visit(world, 'phone', async (tab, context) => {
    await enter(tab, world);
    assert.is(tab.url(), `${world.serving.url}/`);
    await tab.reload();
    await tab.waitForSelector('#picture');
    const [cookie, ...others] = await context.cookies();
    assert.equal([cookie?.httpOnly, cookie?.sameSite, others.length], [true, 'Strict', 0]);
    await tab.click('#leave');
    await tab.waitForSelector('#entrance-form');
    await tab.goto(world.serving.url);
    await tab.waitForSelector('#entrance-form');
  });
});

for (const screen of ['phone', 'desktop'] as const) {
  page(`on a ${screen} a photo is picked, and the result is seen with its timing`, async (world) => {
    await visit(world, screen, async (tab) => {
      await enter(tab, world);
      await tab.setInputFiles('#picture-file', PHOTO);
      await tab.waitForSelector('#picture-status .timing');
      const size = (id: string): Promise<[number, number]> =>
        tab.$eval(id, async (image) => {
          const picture = image as HTMLImageElement;
          await picture.decode();
          return [picture.naturalWidth, picture.naturalHeight] as [number, number];
        });
      const photo = await size('#picture-before');
      assert.ok(photo[0] > 0 && photo[1] > 0);
      assert.equal(await size('#picture-after'), photo);
      assert.match(await text(tab, '#picture-status'), /[\d.]+ m?s in a .*sandbox.*running\s*[\d.]+ m?s\s*on the way/);

      await tab.selectOption('#picture-target', 'photo/thumbnail');
      await tab.fill('#picture-number-width', '100');
      await tab.dispatchEvent('#picture-number-width', 'change');
      await tab.waitForFunction(
        () => (document.querySelector('#picture-after') as HTMLImageElement | null)?.naturalWidth === 100,
      );
      const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the screen`);
    });
  });
}

page('the sample photo goes through as well, and a file that is no photo is refused in words', async (world) => {
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    await tab.click('#picture-sample');
    await tab.waitForSelector('#picture-status .timing');
    await tab.setInputFiles('#picture-file', {
      name: 'x.jpg',
      mimeType: 'image/jpeg',
      buffer: Buffer.from('no photo'),
    });
    await tab.waitForSelector('#picture-status .problem');
    assert.match(await text(tab, '#picture-status'), /photo could not do it.*the function’s own error/);
    assert.is(await tab.isVisible('#picture-after'), false);
  });
});

page('a typed export is called from its form, and a wrong argument is explained', async (world) => {
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    const card = '[data-function="typed"]';
    await tab.click(`${card} summary`);
    const [first] = await tab.$$eval(`${card} option`, (options) =>
      options.map((each) => (each as HTMLOptionElement).value),
    );
    assert.ok(first);
    await tab.click(`${card} button[type="submit"]`);
    await tab.waitForSelector(`${card} .output`);
    await tab.waitForSelector(`${card} .timing`);
    await tab.fill(`${card} textarea`, '{}');
    await tab.click(`${card} button[type="submit"]`);
    await tab.waitForSelector(`${card} .problem`);
    assert.match(await text(tab, `${card} .problem`), /request-invalid/);
  });
});

page('a component that is dropped on the page is published, and everybody sees it', async (world) => {
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    const drop = async (name: string, bytes: Buffer): Promise<void> => {
      const transfer = await tab.evaluateHandle(
        ([file, base64]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(atob(base64!), (c) => c.charCodeAt(0))], file!));
          return data;
        },
        [name, bytes.toString('base64')],
      );
      await tab.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    };
    await drop('My Cat.component.wasm', await readFile(await guest('cat')));
    assert.is(await tab.inputValue('#publish-name'), 'my-cat');
    await tab.click('#publish-button');
    await tab.waitForSelector('#publish-status .note');
    assert.match(await text(tab, '#publish-status'), /Published my-cat, version 1\./);
    // Not through this page's own doing: the host says that functions changed.
    await tab.waitForSelector('[data-function="my-cat"]');

    await tab.click('[data-function="my-cat"] summary');
    await tab.fill('[data-run="my-cat"] [name="text"]', 'meow');
    await tab.click('[data-run="my-cat"] button');
    await tab.waitForSelector('[data-function="my-cat"] .output');
    assert.is(await text(tab, '[data-function="my-cat"] .output'), 'meow');
    await tab.waitForFunction(() => document.querySelector('#recent-rows')?.textContent?.includes('my-cat'));

    await drop('broken.wasm', Buffer.from('not WebAssembly'));
    await tab.click('#publish-button');
    await tab.waitForSelector('#publish-status .problem');
    assert.match(await text(tab, '#publish-status'), /not published.*component-refused/);
  });
});

page('what changes elsewhere shows without a reload, and what is being typed stays', async (world) => {
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    await tab.click('[data-function="typed"] summary');
    await tab.fill('[data-function="typed"] textarea', '["being typed"]');
    await publish(world, 'elsewhere', await guest('cat'));
    await tab.waitForSelector('[data-function="elsewhere"]');
    assert.is(await tab.inputValue('[data-function="typed"] textarea'), '["being typed"]');
    assert.is(await tab.getAttribute('[data-function="typed"] details', 'open'), '');
  });
});

page('a cloudlet that does not answer, and a session that is over, are told with what to do', async (world) => {
  await visit(world, 'phone', async (tab, context) => {
    await enter(tab, world);
    await tab.route('**/call/**', (route) => route.abort());
    await tab.click('#picture-sample');
    await tab.waitForSelector('#picture-status .problem');
    assert.match(await text(tab, '#picture-status'), /No answer from the cloudlet.*try again/);
    await tab.unroute('**/call/**');
    await context.clearCookies();
    await tab.selectOption('#picture-target', 'photo/thumbnail');
    await tab.waitForSelector('#entrance-problem .note');
    assert.match(await text(tab, '#entrance-problem'), /The session has ended/);
  });
});

page('a deployment is drawn while it goes on, and its end', async (world) => {
  const client = createClient({ url: world.serving.url, token: world.serving.cloudlet.ownerToken });
  const bytes = new Uint8Array(300_000).map((_, at) => at % 251);
  const held = await cutIntoParts(contentOf(bytes));
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    const deployment = client.deploy({ want: { function: 'slow', parts: [...held.parts] } });
    const accepted = await deployment.next();
    if (accepted.value?.kind !== 'accepted') throw new Error('expected that the deployment was accepted');
    const row = `[data-deployment="${accepted.value.deployment.id}"]`;
    await tab.waitForSelector(`${row} progress`);
    assert.match(await text(tab, row), /slow · function receiving 0 B of 293 KiB package, began/);
    await deployment.return(undefined);
    await tab.waitForSelector(`${row} .state-failed`);
    assert.match(await text(tab, row), /client-closed the deployment was cancelled package, ended/);
  });
});

page('the keyboard reaches the file field, and its focus shows', async (world) => {
  await visit(world, 'desktop', async (tab) => {
    await enter(tab, world);
    await tab.focus('#picture-target');
    await tab.keyboard.press('Tab');
    assert.is(await tab.evaluate(() => document.activeElement?.id), 'picture-file');
    const outline = await tab.$eval('label[for="picture-file"]', (label) => getComputedStyle(label).outlineStyle);
    assert.is(outline, 'solid');
  });
});

page.run();
