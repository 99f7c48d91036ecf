import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as assert from 'uvu/assert';
import { DataDir } from '../../../runtime/store/index.ts';
import { SeededRandom } from '../../support/random.ts';

const LOOP = join(import.meta.dirname, 'publish-loop.ts');

interface Known {
  readonly current: number;
  readonly versions: readonly number[];
}

/** What the loop last said of each name, and the change it had begun when it died. */
interface Said {
  readonly known: Map<string, Known>;
  begun: { readonly name: string; readonly change: string } | null;
  changes: number;
}

/**
 * Kills a publish loop `times` times at random moments and holds the data directory, after each, to its promise: it opens, every version
 * has its whole blob, every change that was reported done is there, the interrupted one is there whole or not at all, and nothing else is.
 */
export async function killPublishLoop(
  times: number,
  seed: number,
): Promise<{ readonly changes: number; readonly interrupted: number }> {
  const random = new SeededRandom(seed);
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-kill-'));
  const said: Said = { known: new Map(), begun: null, changes: 0 };
  let interrupted = 0;
  try {
    const path = join(directory, 'data');
    for (let round = 0; round < times; round += 1) {
      await runAndKill(path, random, said);
      if (said.begun !== null) interrupted += 1;
      await check(path, said, `seed ${seed}, round ${round}`);
    }
    return { changes: said.changes, interrupted };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function runAndKill(path: string, random: SeededRandom, said: Said): Promise<void> {
  const child = spawn(process.execPath, [LOOP, path, String(random.below(2 ** 31))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const closed = once(child.stdout, 'end');
  let text = '';
  const opened = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      resolve();
    });
  });
  // One in six dies while it is still starting; the kill's moment is what is random here, nothing waits for it to be long enough.
  if (random.below(6) !== 0) await Promise.race([opened, exited]);
  await new Promise((resolve) => setTimeout(resolve, random.below(120)));
  child.kill('SIGKILL');
  const [code, signal] = await exited;
  await closed;
  assert.is(signal, 'SIGKILL', `the loop ended by itself with status ${code}`);
  for (const line of text.split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as { begin?: string; change?: string; end?: string } & Known;
    if (event.begin !== undefined) said.begun = { name: event.begin, change: event.change! };
    if (event.end === undefined) continue;
    said.known.set(event.end, { current: event.current, versions: event.versions });
    said.begun = null;
    said.changes += 1;
  }
}

async function check(path: string, said: Said, where: string): Promise<void> {
  const data = await DataDir.open(path);
  try {
    const functions = data.registry.list();
    const digests = new Set(functions.flatMap((entry) => entry.versions.map((version) => version.digest)));
    for (const { versions } of functions) {
      for (const { digest, sizeBytes, description } of versions) {
        assert.is((await data.blobs.read(digest)).length, sizeBytes, where);
        assert.is(description, `about ${digest}`, where);
      }
    }
    assert.equal(new Set(await data.blobs.list()), digests, `${where}: blobs are those of the versions`);
    for (const folder of ['incoming', 'corrupt']) assert.equal(await readdir(join(path, 'blobs', folder)), [], where);
    assert.equal(
      (await readdir(path)).filter((name) => name.endsWith('.tmp')),
      [],
      where,
    );
    for (const name of new Set([...said.known.keys(), ...functions.map((entry) => entry.name)])) {
      const found = functions.find((entry) => entry.name === name);
      const now: Known = {
        current: found?.current ?? 0,
        versions: found?.versions.map((version) => version.version) ?? [],
      };
      const before = said.known.get(name) ?? { current: 0, versions: [] };
      const old = JSON.stringify(now) === JSON.stringify(before);
      const changed = said.begun?.name === name && isAfter(said.begun.change, before, now);
      assert.ok(
        old || changed,
        `${where}: ${name} was ${JSON.stringify(before)}, begun ${JSON.stringify(said.begun)}, is ${JSON.stringify(now)}`,
      );
      said.known.set(name, now);
    }
    said.begun = null;
  } finally {
    data.close();
  }
  const database = new DatabaseSync(join(path, 'registry.sqlite'));
  assert.equal({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' }, where);
  database.close();
}

function isAfter(change: string, before: Known, now: Known): boolean {
  if (change === 'remove') return now.versions.length === 0;
  if (change === 'rollback')
    return String(now.versions) === String(before.versions) && before.versions.includes(now.current);
  return (
    String(now.versions) === String([...before.versions, now.current]) && now.current > (before.versions.at(-1) ?? 0)
  );
}
