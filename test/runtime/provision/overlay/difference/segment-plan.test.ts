import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangedPage } from '../../../../../runtime/provision/overlay/difference/changed-pages.ts';
import { type Changes, planSegments } from '../../../../../runtime/provision/overlay/difference/segment-plan.ts';

/** Pages by number and what is in them; '0' is zeros. */
const pages = (...found: [number, string][]): ChangedPage[] =>
  found.map(([page, hash]) => ({ page, hash: hash === '0' ? null : hash }));
const plan = (changes: Partial<Changes>) =>
  planSegments({ memory: [], disk: [], touched: [], base: new Map(), segmentPages: 100, ...changes });

const plans = suite('the plan of an overlay');

plans('nothing changed: nothing is planned', () => assert.equal(plan({}), []));

plans('the cheapest source is taken: zeros, the base, what came before, literals', () => {
  const [memory, disk] = plan({
    memory: pages([1, '0'], [2, 'in-base'], [3, 'new'], [9, 'new']),
    disk: pages([4, 'new'], [5, 'other'], [6, 'other']),
    base: new Map([['in-base', { source: 'base-disk', page: 70 }]]),
  });
  assert.equal(memory!.runs, [
    { kind: 'zero', at: 1, count: 1 },
    { kind: 'copy', at: 2, count: 1, source: 'base-disk', from: 70 },
    { kind: 'literal', at: 3, count: 1 },
    { kind: 'copy', at: 9, count: 1, source: 'memory', from: 3 },
  ]);
  assert.equal(disk!.runs, [
    { kind: 'copy', at: 4, count: 1, source: 'memory', from: 3 },
    { kind: 'literal', at: 5, count: 1 },
    { kind: 'copy', at: 6, count: 1, source: 'disk', from: 5 },
  ]);
  assert.equal([memory!.pages, disk!.pages, disk!.needs], [4, 3, []]);
});

plans('pages in a row are one run', () => {
  const base = new Map([
    ['a', { source: 'base-memory' as const, page: 50 }],
    ['b', { source: 'base-memory' as const, page: 51 }],
    ['c', { source: 'base-memory' as const, page: 60 }],
  ]);
  const [memory] = plan({
    memory: pages([1, '0'], [2, '0'], [3, 'x'], [4, 'y'], [5, 'a'], [6, 'b'], [7, 'c'], [9, 'z']),
    base,
  });
  assert.equal(
    memory!.runs.map(({ kind, at, count }) => [kind, at, count]),
    [
      ['zero', 1, 2],
      ['literal', 3, 2],
      ['copy', 5, 2],
      ['copy', 7, 1],
      ['literal', 9, 1],
    ],
  );
});

plans('memory comes first, then what is touched in its order, then the rest; none shares a segment', () => {
  const found = plan({
    memory: pages([1, 'm']),
    disk: pages([1, 'a'], [2, 'b'], [3, 'c'], [4, 'd']),
    touched: [3, 99, 1, 3],
  });
  assert.equal(
    found.map(({ kind, runs }) => [kind, ...runs.map(({ at, count }) => [at, count].join('+'))]),
    [
      ['memory', '1+1'],
      ['disk', '3+1', '1+1'],
      ['disk', '2+1', '4+1'],
    ],
  );
});

plans('segments are cut by their literals, and name the segments that they copy from', () => {
  const disk = pages([1, 'a'], [2, 'b'], [3, 'c'], [4, 'a'], [5, 'd'], [6, 'a'], [7, 'c'], [8, 'd']);
  const found = plan({ disk, segmentPages: 2 });
  assert.equal(
    found.map(({ pages: count, needs }) => [count, needs]),
    [
      [2, []],
      [3, [0]],
      [3, [0, 1]],
    ],
  );
});

plans('the first of the memory are short', () => {
  const memory = pages(...Array.from({ length: 1000 }, (_, at): [number, string] => [at, `m${at}`]));
  const disk = pages(...Array.from({ length: 100 }, (_, at): [number, string] => [at, `d${at}`]));
  const found = plan({ memory, disk, segmentPages: 256 });
  assert.equal(
    found.map(({ kind, pages: count }) => `${kind} ${count}`),
    [...Array(8).fill('memory 64'), 'memory 256', 'memory 232', 'disk 100'],
  );
});

plans.run();
