import { DatabaseSync } from 'node:sqlite';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { searchEntries } from '../../../runtime/store/entry-search.ts';
import { EntryTable, type NewEntry } from '../../../runtime/store/index.ts';
import { migrate } from '../../../runtime/store/registry-schema.ts';
import { digestOf } from '../../support/catalogue-lab.ts';

const tables = suite<{ database: DatabaseSync; entries: EntryTable }>('the table of store entries');

tables.before.each((world) => {
  world.database = new DatabaseSync(':memory:');
  world.database.exec('PRAGMA foreign_keys = ON');
  migrate(world.database);
  world.entries = new EntryTable(world.database, () => new Date('2026-11-26T00:00:00Z'));
});
tables.after.each(({ database }) => database.close());

const entry = (name: string, more: Partial<NewEntry> = {}): NewEntry => ({
  ...{ name, kind: 'application', digest: digestOf(name), manifest: '{}', signature: null, publisher: null },
  ...{ blobs: new Map([[digestOf(name), 5]]), pages: new Map(), tags: [], platforms: [] },
  texts: { title: name, description: '' },
  ...more,
});

tables('of 10,000 entries gives a page, and reads no more entries than are on it', ({ database, entries }) => {
  for (let i = 0; i < 10_000; i += 1) {
    const title = i % 1000 === 7 ? 'a rare needle' : 'plain hay';
    entries.put(
      entry(`entry-${String(i).padStart(5, '0')}`, { texts: { title, description: '' }, tags: [`t${i % 10}`] }),
    );
  }
  for (const [query, total, first, shown] of [
    [{}, 10_000, 'entry-00000', 50],
    [{ offset: 9990 }, 10_000, 'entry-09990', 10],
    [{ text: 'needle' }, 10, 'entry-00007', 10],
    [{ text: 'hay entry', tags: ['t3'], offset: 100 }, 1000, 'entry-01003', 50],
    [{ kind: 'function' }, 0, undefined, 0],
  ] as const) {
    let read = 0;
    const found = searchEntries(database, { limit: 50, offset: 0, ...query }, (row) => {
      read += 1;
      return row as ReturnType<EntryTable['search']>['entries'][number];
    });
    assert.equal([found.total, found.entries[0]?.name, read], [total, first, shown], JSON.stringify(query));
  }
});

tables('counts a blob of several entries once, and says which may go', ({ entries }) => {
  const shared = new Map([[digestOf('shared'), 7]]);
  entries.put(entry('one', { blobs: shared }));
  entries.put(entry('two', { blobs: shared }));
  assert.is(entries.usedBytes(), 7);
  assert.equal(entries.remove('one'), [digestOf('shared')]);
  assert.is(entries.inUse(digestOf('shared')), true);
  entries.remove('two');
  assert.equal([entries.inUse(digestOf('shared')), entries.usedBytes()], [false, 0]);
});

tables('forgets texts, tags and systems with their entry and with their revision', ({ entries }) => {
  const platforms = [{ os: 'ios', least: '000009.000000.000000.000000' }];
  entries.put(entry('one', { tags: ['old'], platforms, texts: { title: 'before', description: '' } }));
  entries.put(entry('one', { tags: ['new'], texts: { title: 'after', description: '' } }));
  const count = (query: object) => entries.search({ limit: 10, offset: 0, ...query }).total;
  assert.equal(
    [{ tags: ['old'] }, { tags: ['new'] }, { text: 'before' }, { text: 'after' }, { os: 'android' }].map(count),
    [0, 1, 0, 1, 1],
  );
  entries.remove('one');
  entries.put(entry('other'));
  assert.equal([{ text: 'after' }, { tags: ['new'] }, { text: 'other' }].map(count), [0, 0, 1]);
});

tables('remembers which revision was provisioned', ({ entries }) => {
  const { revision } = entries.put(entry('one'));
  assert.is(entries.isProvisioned('one'), false);
  entries.setProvisioned('one', revision);
  assert.is(entries.isProvisioned('one'), true);
  entries.put(entry('one', { digest: digestOf('other') }));
  assert.is(entries.isProvisioned('one'), false);
});

tables.run();
