import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeTable, PAGE_BYTES, type SegmentTable } from '../../../../runtime/provision/overlay/page-run.ts';
import {
  decodeSegment,
  decodeState,
  encodeSegment,
  encodeState,
  expandedBytes,
  type ReadSource,
  type Segment,
} from '../../../../runtime/provision/overlay/segment.ts';
import { SeededRandom } from '../../../support/random.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);
const BASE = Buffer.from(new SeededRandom(3).bytes(16 * PAGE_BYTES));
const fromBase: ReadSource = ({ from }, into) =>
  void into.set(BASE.subarray(from * PAGE_BYTES, from * PAGE_BYTES + into.length));

/** A page of nines in which a word was written, against a page of nines; two pages of zeros; a copy of three. */
const GOLDEN =
  '150000000c0000000010000028b52ffd005861000001000601091410121b218c0128b52ffd00589d000048096368616e67656409020091073e8314b001';

const literals = Buffer.from(BASE.subarray(0, 4 * PAGE_BYTES));
literals[100] = 1;
const runs = [
  { kind: 'literal', at: 10, count: 4 },
  { kind: 'zero', at: 20, count: 2 },
] as const;
const plain: Segment = { dictionary: [], runs, literals };
const against: Segment = { ...plain, dictionary: [{ source: 'base-memory', from: 0, count: 4 }] };
const bounds = (segment: Segment) => ({ pages: 6, expandedBytes: expandedBytes(segment) });

const segments = suite('segments');

segments('come back, against a dictionary too', async () => {
  for (const segment of [plain, against]) {
    const found = decodeSegment(await encodeSegment(segment, 3, fromBase), bounds(segment), fromBase);
    assert.ok(Buffer.from(found.literals).equals(literals));
    assert.equal({ ...found, literals: null }, { ...segment, literals: null });
  }
  const empty: Segment = { dictionary: [], runs: [{ kind: 'zero', at: 1, count: 1 }], literals: new Uint8Array(0) };
  const found = decodeSegment(
    await encodeSegment(empty, 3, fromBase),
    { pages: 1, expandedBytes: expandedBytes(empty) },
    fromBase,
  );
  assert.is(found.literals.length, 0);
  const state = Buffer.from('state of devices');
  assert.equal(Buffer.from(decodeState(await encodeState(state, 3), state.length)), state);
});

segments('pages that changed little are small against their base', async () => {
  const [without, with_] = [await encodeSegment(plain, 3, fromBase), await encodeSegment(against, 3, fromBase)];
  assert.ok(without.length > 4 * PAGE_BYTES && with_.length < 200, `${without.length}, ${with_.length}`);
});

segments('that were written once can be read for ever', () => {
  const nines = Buffer.alloc(PAGE_BYTES, 9);
  const table: SegmentTable = {
    dictionary: [{ source: 'base-memory', from: 3, count: 1 }],
    runs: [
      { kind: 'literal', at: 10, count: 1 },
      { kind: 'zero', at: 20, count: 2 },
      { kind: 'copy', at: 5, count: 3, source: 'base-disk', from: 70 },
    ],
  };
  assert.is(
    Buffer.from(encodeTable(table)).toString('hex'),
    '01000601091410121b218c01',
    'another table is another OVERLAY_FORMAT',
  );
  const bytes = Buffer.from(GOLDEN, 'hex');
  const found = decodeSegment(bytes, { pages: 6, expandedBytes: 12 + PAGE_BYTES }, (_, into) => void into.set(nines));
  nines.write('changed', 100);
  assert.equal({ ...found, literals: null }, { ...table, literals: null });
  assert.ok(nines.equals(found.literals), 'another layout is another OVERLAY_FORMAT');
});

segments('are refused when they are not what was declared, before the memory is taken', async () => {
  const good = Buffer.from(await encodeSegment(against, 3, fromBase));
  const { pages, expandedBytes: expanded } = bounds(against);
  const bomb = Buffer.from(
    await encodeSegment(
      { ...plain, runs: [{ kind: 'literal', at: 0, count: 64 }], literals: Buffer.alloc(64 * PAGE_BYTES) },
      3,
      fromBase,
    ),
  );
  const lying = Buffer.from(bomb);
  lying.writeUInt32LE(4 * PAGE_BYTES, 8);
  const changed = (at: number) => {
    const bytes = Buffer.from(good);
    bytes[at]! ^= 0xff;
    return bytes;
  };
  for (const [what, bytes, declared, why] of [
    ['more than was declared', good, { pages, expandedBytes: expanded - 1 }, /expected it to expand to/],
    [
      'fewer pages than were declared',
      good,
      { pages: pages + 1, expandedBytes: expanded },
      /expected it to fill 7 pages/,
    ],
    ['more than any may', good, { pages, expandedBytes: 2 ** 40 }, /expected it to expand to/],
    ['a bomb that says what it is', bomb, bounds(plain), /expected it to expand to/],
    ['a bomb that lies', lying, { pages: 64, expandedBytes: lying.readUInt32LE(4) + 4 * PAGE_BYTES }, /literal pages/],
    ['torn', good.subarray(0, good.length - 10), bounds(against), /cannot be expanded/],
    ['too short', good.subarray(0, 5), bounds(against), /too short/],
    ['a broken table', changed(14), bounds(against), /./],
    ['broken literals', changed(good.length - 3), bounds(against), /./],
  ] as const)
    assert.throws(() => decodeSegment(bytes, declared, fromBase), why, what);
});

segments('that are hostile are read or refused, never worse', async () => {
  const random = new SeededRandom(SEED);
  const good = await encodeSegment(against, 3, fromBase);
  for (let round = 0; round < 500; round++) {
    try {
      const found = decodeSegment(random.mutate(good), bounds(against), fromBase);
      assert.is(found.literals.length, literals.length);
    } catch (error) {
      assert.not.instance(error, TypeError, `seed ${SEED}, round ${round}: ${error}`);
    }
  }
});

segments.run();
