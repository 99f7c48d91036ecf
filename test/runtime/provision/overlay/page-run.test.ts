import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBlockSet, encodeBlockSet } from '../../../../runtime/provision/overlay/block-set.ts';
import {
  decodeTable,
  encodeTable,
  type PageRun,
  type SegmentTable,
  SOURCES,
} from '../../../../runtime/provision/overlay/page-run.ts';
import { VarintReader, VarintWriter } from '../../../../runtime/provision/overlay/varint.ts';
import { SeededRandom } from '../../../support/random.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);

const runs = suite('runs of pages');

runs('numbers come back', () => {
  const numbers = [0, 1, 127, 128, 2 ** 21, 2 ** 32, 2 ** 40];
  const writer = new VarintWriter();
  for (const number of numbers) {
    writer.unsigned(number);
    writer.signed(number);
    writer.signed(-number);
  }
  const reader = new VarintReader(writer.bytes());
  for (const number of numbers) {
    assert.is(reader.unsigned(), number);
    assert.is(reader.signed(), number);
    assert.is(reader.signed(), number === 0 ? 0 : -number);
  }
  assert.ok(reader.atEnd);
  assert.throws(() => reader.unsigned(), /cut off/);
  assert.throws(() => new VarintReader(new Uint8Array(9).fill(0x80)).unsigned(), /too long/);
});

runs('a set of blocks comes back as its runs', () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 50; round++) {
    const blocks = new Set(Array.from({ length: random.below(200) }, () => random.below(1000)));
    const found = decodeBlockSet(encodeBlockSet(blocks), 1000);
    const listed = found.flatMap(({ at, count }) => Array.from({ length: count }, (_, index) => at + index));
    assert.equal(
      listed,
      [...blocks].sort((a, b) => a - b),
    );
  }
  assert.is(encodeBlockSet([5, 6, 7, 100]), 'BQNcAQ', 'the format is as it was');
  assert.throws(() => decodeBlockSet(encodeBlockSet([999]), 999), /ends at 1000 of 999/);
  assert.throws(() => decodeBlockSet('BQA', 1000), /empty/);
  assert.throws(() => decodeBlockSet('BYA', 1000), /cut off/);
});

/** A table as a difference would have it. */
function anyTable(random: SeededRandom): SegmentTable & { pages: number } {
  const run = (): PageRun => {
    const place = { at: random.below(1_000_000), count: 1 + random.below(50) };
    const kind = random.pick(['zero', 'literal', 'copy'] as const);
    return kind === 'copy'
      ? { kind, ...place, source: random.pick(SOURCES), from: random.below(1_000_000) }
      : { kind, ...place };
  };
  const all = Array.from({ length: random.below(40) }, run);
  const dictionary = Array.from({ length: random.below(4) }, () => ({
    source: random.pick(['base-memory', 'base-disk'] as const),
    from: random.below(1_000_000),
    count: 1 + random.below(100),
  }));
  return { dictionary, runs: all, pages: all.reduce((sum, { count }) => sum + count, 0) };
}

runs('a table comes back', () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 100; round++) {
    const { pages, ...table } = anyTable(random);
    assert.equal(decodeTable(encodeTable(table), pages), table, `seed ${SEED}, round ${round}`);
  }
});

runs('a table that fills more or less than was declared is refused', () => {
  const table = encodeTable({ dictionary: [], runs: [{ kind: 'zero', at: 1, count: 5 }] });
  assert.throws(() => decodeTable(table, 4), /more pages than it may/);
  assert.throws(() => decodeTable(table, 6), /expected it to fill 6 pages, it fills 5/);
  const long = encodeTable({ dictionary: [{ source: 'base-memory', from: 0, count: 1025 }], runs: [] });
  assert.throws(() => decodeTable(long, 0), /more pages than it may/);
  const own = encodeTable({ dictionary: [{ source: 'memory', from: 0, count: 1 }], runs: [] });
  assert.throws(() => decodeTable(own, 0), /not of the base/);
  assert.throws(() => decodeTable(Uint8Array.of(0, 0), 0), /empty run/);
  assert.throws(() => decodeTable(Uint8Array.of(0, 8, 1), 1), /at no place/);
  assert.throws(() => decodeTable(Uint8Array.of(0, 8 + 7, 0), 1), /unknown kind/);
});

runs('hostile tables are read or refused, never worse', () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 2000; round++) {
    const { pages, ...table } = anyTable(random);
    try {
      const found = decodeTable(random.mutate(encodeTable(table)), pages);
      assert.is(
        found.runs.reduce((sum, { count }) => sum + count, 0),
        pages,
      );
    } catch (error) {
      assert.not.instance(error, RangeError, `seed ${SEED}, round ${round}: ${error}`);
      assert.not.instance(error, TypeError, `seed ${SEED}, round ${round}: ${error}`);
    }
  }
});

runs.run();
