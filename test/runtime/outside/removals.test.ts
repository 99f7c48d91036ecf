import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SLICE } from '../../../runtime/outside/blobs/object-table.ts';
import { Removals } from '../../../runtime/outside/removals.ts';
import { utf8 } from '../wasi/backend.ts';
import { putObject, StoreLab } from './store-lab.ts';

const removals = suite('what a removed function had');
let lab: StoreLab;

removals.before.each(async () => {
  lab = await StoreLab.open();
});
removals.after.each(() => lab.close());

const OBJECTS = 3 * SLICE;

/** Keys, objects and containers of a function. */
async function fill(name: string): Promise<void> {
  const { blobs, keyValue } = lab.guest(name);
  for (const container of ['box', 'empty', 'small']) await blobs.createContainer(container);
  await putObject(blobs, 'box', 'o', utf8(`bytes of ${name}`));
  await putObject(blobs, 'small', 'o', utf8(`other bytes of ${name}`));
  const source = { container: 'box', object: 'o' };
  for (let at = 0; at < OBJECTS; at++) await blobs.copy(source, { container: 'box', object: `copy ${at}` }, false);
  for (let at = 0; at < 500; at++) await keyValue.set('default', [[`key ${at}`, new Uint8Array(10_000)]]);
}

/** Rows that there are, whoever has them. */
function rows(): { objects: number; containers: number; entries: number; functions: number } {
  const count = (file: string, table: string) => {
    const database = new DatabaseSync(join(lab.directory, 'stores', file), { readOnly: true });
    const { n } = database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
    database.close();
    return n;
  };
  return {
    objects: count('blobs/objects.sqlite', 'objects'),
    containers: count('blobs/objects.sqlite', 'containers'),
    entries: count('keyvalue.sqlite', 'entries'),
    functions: count('blobs/objects.sqlite', 'functions') + count('keyvalue.sqlite', 'functions'),
  };
}

removals('goes in slices, and its name has nothing of it at once', async () => {
  await fill('notes');
  await fill('kept');
  lab.stores.removeFunction('notes');
  assert.equal(lab.stores.usage('notes'), { keyValueBytes: 0, blobBytes: 0 });
  assert.is(await lab.guest('notes').blobs.container('box'), undefined);
  assert.is(rows().objects, 2 * (OBJECTS + 2));
  const seen = new Set<number>();
  let isOver = false;
  void lab.stores.settled.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await setImmediate();
    seen.add(rows().objects);
  }
  assert.ok(seen.size >= OBJECTS / SLICE, `${[...seen]}`);
  assert.equal(rows(), { objects: OBJECTS + 2, containers: 3, entries: 500, functions: 2 });
  assert.is((await lab.files('blobs/blobs')).length, 2);
});

removals('goes on at the next start when the host ended meanwhile, and the files are as small as before', async () => {
  await fill('notes');
  const file = join(lab.directory, 'stores/keyvalue.sqlite');
  lab.stores.removeFunction('notes');
  await setImmediate();
  await setImmediate();
  lab.stores.close();
  const { entries, functions } = rows();
  assert.ok(entries > 0 && entries < 500, `${entries} entries are left`);
  assert.is(functions, 2);
  const before = (await stat(file)).size;
  await lab.reopen();
  assert.equal(lab.stores.totalUsage(), { keyValueBytes: 0, blobBytes: 0 });
  await lab.stores.settled;
  assert.equal(rows(), { objects: 0, containers: 0, entries: 0, functions: 0 });
  assert.equal(await lab.files('blobs/blobs'), []);
  lab.stores.close();
  assert.ok((await stat(file)).size < before / 4);
});

removals('is left where it is when a store cannot remove it now, and tried again after the next removal', async () => {
  let broken = true;
  let left = 2;
  const retired: string[] = [];
  const all = new Removals([
    {
      retire: (name) => void retired.push(name),
      removeSome: () => {
        if (broken) throw new Error('the disk is full');
        left -= 1;
        return left === 0;
      },
    },
  ]);
  all.remove('a');
  await all.settled;
  assert.is(left, 2);
  broken = false;
  all.remove('b');
  await all.settled;
  assert.equal([left, retired], [0, ['a', 'b']]);
  all.close();
});

removals.run();
