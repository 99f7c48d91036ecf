/**
 * The library on the device where it is meant to run: bundled for the browser, used in Chromium, at a real host.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { chromium } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writePackage } from '../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../host/config.ts';
import { silentJournal } from '../../host/journal.ts';
import { serve } from '../../host/main.ts';
import { guest } from '../support/guest.ts';

const CHROMIUM = '/usr/bin/chromium';
const library = suite('the library on the device, in a browser');

/** A door as one script for browsers; what needs Node could not be bundled. */
async function bundled(door: string, globalName: string): Promise<string> {
  const entry = fileURLToPath(new URL(`../../guest-sdk/${door}/index.ts`, import.meta.url));
  const { outputFiles } = await bundle({
    ...{ entryPoints: [entry], bundle: true, platform: 'browser', format: 'iife', globalName },
    ...{ write: false, logLevel: 'silent', target: 'es2024' },
  });
  return outputFiles[0]!.text;
}

library('cloudlet/guest has nothing of Node in it', async () => {
  assert.match(await bundled('guest', 'guest'), /Response/);
});

library('publishes, calls, runs, asks, deploys, shares out, rolls back and looks at the store', async () => {
  if (!existsSync(CHROMIUM))
    throw new Error('expected Chromium; install it with: apt-get install -y --no-install-recommends chromium');
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-browser-'));
  const flags = { port: 0, data: join(folder, 'data'), cache: join(folder, 'cache'), sandbox: 'process' };
  const serving = await serve(hostConfig(flags, { environment: {}, home: folder, isRoot: false }), {
    ...{ journal: silentJournal, say: () => {}, handleSignals: false, advertise: false },
  });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
  });
  try {
    const page = await browser.newPage();
    // Of what is served without a session, the page may ask its own cloudlet.
    await page.goto(`${serving.url}/`);
    await page.evaluate(`${await bundled('client', 'client')}\nglobalThis.client = client;`);
    const base64 = async (name: string) => (await readFile(await guest(name))).toString('base64');
    const component = await readFile(await guest('typed'));
    const { digest, pieces } = await writePackage({ component, grant: { environment: { VERSION: '2' } }, files: [] });
    const said = await page.evaluate(inBrowser, {
      ...{ url: serving.url, token: serving.cloudlet.ownerToken, digest },
      ...{ typed: component.toString('base64'), second: Buffer.concat(pieces).toString('base64') },
      ...{ cat: await base64('cat'), http: await base64('http-c') },
    });
    assert.equal(said.states.at(-1), 'ready');
    assert.equal([said.sum, said.copied, said.exit], [42, 'through', 0]);
    assert.is(said.status, 200);
    assert.equal([said.rung, said.stage, said.version], ['difference', 'ready', 2]);
    assert.ok(said.sentBytes > 0 && said.sentBytes < component.length / 2, `${said.sentBytes} bytes went`);
    assert.equal(said.shares, [
      [2, 25],
      [1, 75],
    ]);
    assert.equal([said.breaks, said.rolledBack, said.pinned], [[], 1, 42]);
    assert.equal([said.entries, said.names], [0, ['cat', 'typed', 'web']]);
    assert.match(said.session, /^.{20,}$/);
    assert.is(said.refusal, 'version-unknown');
  } finally {
    await browser.close();
    await serving.close();
    await rm(folder, { recursive: true, force: true });
  }
});

interface Given {
  readonly url: string;
  readonly token: string;
  readonly digest: string;
  readonly typed: string;
  readonly second: string;
  readonly cat: string;
  readonly http: string;
}

/** Runs in the page: nothing from around it is there. */
async function inBrowser(given: Given) {
  type Library = typeof import('../../guest-sdk/client/index.ts');
  const { createClient, contentOf, readWhole } = (globalThis as unknown as { client: Library }).client;
  const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const named = (name: string) => name as Parameters<ReturnType<Library['createClient']>['function']>[0];
  const { session } = await createClient({ url: given.url, token: given.token }).openSession();
  const client = createClient({ url: given.url, token: session });

  const states: string[] = [];
  const publish = async (name: string, component: string) => {
    for await (const { state } of client.publish(named(name), bytesOf(component))) states.push(state);
  };
  await publish('typed', given.typed);
  await publish('cat', given.cat);
  await publish('web', given.http);
  const sum = await client.call(named('typed'), 'add', [40, 2]);
  const ran = await client.run(named('cat'), [], new TextEncoder().encode('through'));
  const copied = new TextDecoder().decode(await readWhole(ran.body, 1000));
  const asked = await client.request(named('web'), '/');
  await readWhole(asked.body, 1_000_000);

  let last: Awaited<ReturnType<ReturnType<typeof client.push>['next']>>['value'] | undefined;
  const digest = given.digest as NonNullable<NonNullable<Parameters<typeof client.push>[2]>['digest']>;
  for await (const news of client.push(named('typed'), contentOf(bytesOf(given.second)), { digest })) last = news;
  if (last?.kind !== 'ended') throw new Error('a push ended without its end');
  const { rung, stage, published } = last.deployment;

  const split = {
    versions: [
      { version: 1, percent: 75 },
      { version: 2, percent: 25 },
    ],
  };
  const { versions } = await client.versions.split(named('typed'), split);
  const { breaks } = await client.versions.diff(named('typed'));
  const pinned = await client.call(named('typed'), 'add', [40, 2], { version: 1 });
  const rolledBack = (await client.rollback(named('typed'))).version;
  const refusal = await client.rollback(named('typed'), 9).catch((error: { code: string }) => error.code);
  return {
    ...{ states, sum, copied, exit: ran.exitStatus(), status: asked.status, session },
    ...{ rung, stage, version: published?.version, sentBytes: last.sentBytes },
    ...{ shares: versions.map(({ version, percent }) => [version, percent]), breaks, rolledBack, pinned },
    ...{ entries: (await client.store.list()).entries.length, refusal },
    names: (await client.functions()).map(({ name }) => name),
  };
}

library.run();
