// end to end
import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../../support/random.ts';
import { getObject, StoreLab } from './store-lab.ts';

const LOOP = join(import.meta.dirname, 'store-loop.ts');
const NAMES = ['a', 'b', 'c'];
const kill = suite('the stores under kill -9');

/** What each key and object is known to hold, as a hash, null for nothing; and what the change that was begun makes of one. */
interface Said {
  readonly known: Map<string, string | null>;
  begun: { readonly begin: string; readonly becomes: string | null } | null;
  changes: number;
}

/** Longest time for which whoever reads what the loop says does not look, in one round of four, milliseconds. */
const AWAY_MS = 400;
const NOBODY_WAKES = new Int32Array(new SharedArrayBuffer(4));

/** Has the loop run and kills it; gives what it said. */
async function runAndKill(path: string, random: SeededRandom, said: Said): Promise<string> {
  const child = spawn(process.execPath, [LOOP, path, String(random.below(2 ** 31))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [exited, closed] = [once(child, 'exit'), once(child.stdout, 'end')];
  const lines: string[] = [];
  const wanted = random.below(40);
  let awayMs = random.below(4) === 0 ? random.below(AWAY_MS) : 0;
  // It dies after a number of lines that is random, or while it is starting: wherever that then is.
  child.stdout.on('data', (chunk: Buffer) => {
    lines.push(chunk.toString());
    if (awayMs > 0) Atomics.wait(NOBODY_WAKES, 0, 0, awayMs);
    awayMs = 0;
    if (lines.length > wanted) child.kill('SIGKILL');
  });
  const [code, signal] = await exited;
  await closed;
  assert.is(signal, 'SIGKILL', `the loop ended by itself with status ${code}`);
  for (const line of lines.join('').split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as { begin?: string; end?: string; becomes: string | null };
    if (event.begin !== undefined) said.begun = { begin: event.begin, becomes: event.becomes };
    if (event.end === undefined) continue;
    said.known.set(event.end, event.becomes);
    said.begun = null;
    said.changes += 1;
  }
  return lines.join('');
}

/** What is there after all, by what the loop calls it. */
async function present(lab: StoreLab): Promise<Map<string, string | null>> {
  const { keyValue, blobs, outside } = lab.guest('notes');
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const found = new Map<string, string | null>();
  const inBlobs = new Set<string>();
  const values = await keyValue.get('default', NAMES, 1e9);
  for (const [index, name] of NAMES.entries()) {
    const value = values[index];
    found.set(`key ${name}`, value === undefined ? null : hash(value));
    const facts = (await blobs.container('box')) && (await blobs.object({ container: 'box', object: name }));
    if (facts !== undefined) inBlobs.add(hash(await getObject(blobs, 'box', name)));
    found.set(`object ${name}`, facts === undefined ? null : hash(await getObject(blobs, 'box', name)));
  }
  assert.equal(outside.failures, []);
  assert.equal(new Set(await lab.files('blobs/blobs')), inBlobs, 'the blobs are those of the objects');
  return found;
}

kill('16 kills lose nothing that was reported, tear nothing and leave nothing behind', async () => {
  const seed = randomInt(2 ** 31);
  console.log(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const said: Said = { known: new Map(), begun: null, changes: 0 };
  let interrupted = 0;
  const lab = await StoreLab.open();
  try {
    for (let round = 0; round < 16; round += 1) {
      lab.stores.close();
      const told = await runAndKill(lab.directory, random, said);
      if (said.begun !== null) interrupted += 1;
      await lab.reopen();
      for (const [name, is] of await present(lab)) {
        const before = said.known.get(name) ?? null;
        const changed = said.begun?.begin === name && said.begun.becomes === is;
        assert.ok(is === before || changed, `round ${round}: ${name} was ${before}, is ${is}; the loop said\n${told}`);
        said.known.set(name, is);
      }
      said.begun = null;
    }
  } finally {
    await lab.close();
  }
  console.log(`${said.changes} changes, ${interrupted} interrupted`);
  assert.ok(said.changes > 16 && interrupted > 0, 'the kills hit a loop at work');
});

kill.run();
