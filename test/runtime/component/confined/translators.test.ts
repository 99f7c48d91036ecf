import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import { DEFAULT_CONFINEMENT } from '../../../../runtime/component/confined/confinement.ts';
import { Translators, type TranslatorsOptions } from '../../../../runtime/component/confined/translators.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { guest } from '../../../support/guest.ts';
import { childrenOf, ended } from '../../../support/process-tree.ts';

const test = suite('translators');
const DIGEST = digestOfHex('1'.repeat(64));
const BYTES = new Uint8Array(8);
const { signal } = new AbortController();
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-translators-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

/** Translators whose program refuses each component with its own process id. */
async function open(options: Partial<TranslatorsOptions> = {}) {
  const entry = join(folder, 'names-itself.mjs');
  await writeFile(
    entry,
    `process.stdin.resume().on('end', () => {
      const json = Buffer.from(JSON.stringify({ refused: String(process.pid) }));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(json.length);
      process.stdout.write(Buffer.concat([length, json]));
    });`,
  );
  const clock = new FakeClock();
  const after = (ms: number, callback: () => void) => clock.after(ms, callback);
  const translators = new Translators({ limits: DEFAULT_CONFINEMENT, ahead: true, after, entry, ...options });
  const before = new Set(childrenOf(process.pid));
  await translators.networkIsolation();
  return {
    clock,
    translators,
    children: () => childrenOf(process.pid).filter((pid) => !before.has(pid)),
    /** Which process was given a component. */
    by: (kind: 'component' | 'core-module') =>
      translators.translate(BYTES, DIGEST, kind, signal).then(String, (error: Error) => Number(error.message)),
  };
}

test('the next component goes to the one that waits, which translates once; behind it another waits after a while', async () => {
  const { clock, translators, children, by } = await open();
  assert.equal(children(), []);
  clock.advance(5000);
  await translators.prepare();
  const [waiting, ...more] = children();
  assert.equal(more, [], 'one is enough');
  assert.is(await by('component'), waiting);
  assert.equal(children(), []);
  const own = await by('component');
  assert.is.not(own, waiting);
  clock.advance(5000);
  await translators.prepare();
  const [next] = children();
  assert.ok(next !== undefined && next !== waiting && next !== own);
  await translators.close();
  assert.equal(children(), []);
  await translators.prepare();
  clock.advance(60_000);
  assert.equal(children(), [], 'none waits for what is closed');
});

test('another kind of component has its own, and so has one whose translator died while it waited', async () => {
  const { translators, children, by } = await open();
  await translators.prepare();
  const waiting = children()[0]!;
  assert.is.not(await by('core-module'), waiting);
  assert.equal(children(), [waiting]);
  process.kill(waiting, 'SIGKILL');
  await ended(waiting);
  const own = await by('component');
  assert.ok(Number.isInteger(own) && own !== waiting, String(own));
  await translators.close();
});

test('none waits where none is to, and an abort ends the one that is at it', async () => {
  const { clock, translators, children } = await open({ ahead: false });
  clock.advance(60_000);
  assert.equal(children(), []);
  const controller = new AbortController();
  const translating = translators.translate(BYTES, DIGEST, 'component', controller.signal);
  controller.abort();
  assert.is(await translating.then(String, (error) => error.code), 'client-closed');
  assert.equal(children(), []);
  await translators.close();
});

test('one that has rehearsed gives what one that has not gives', async () => {
  const bytes = await readFile(await guest('typed'));
  const translators = new Translators({ limits: DEFAULT_CONFINEMENT, ahead: true });
  await translators.prepare();
  const { manifest, modules } = await translators.translate(bytes, DIGEST, 'component', signal);
  assert.equal([manifest.component, manifest.doors, modules.length], [DIGEST, ['call'], manifest.modules.length]);
  await translators.close();
});

test.run();
