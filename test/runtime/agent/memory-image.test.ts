import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryImage } from '../../../runtime/agent/memory-image.ts';
import { SeededRandom } from '../../support/random.ts';

const PAGE = 64 * 1024;

const image = suite('an image of a memory');

/** A memory with zeros and other bytes in pieces of many lengths. */
function filled(random: SeededRandom, pages: number): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: pages });
  const bytes = new Uint8Array(memory.buffer);
  for (let at = random.below(9_000); at < bytes.length; at += random.below(30_000)) {
    const end = Math.min(bytes.length, at + random.below(20_000));
    for (; at < end; at += 1 + random.below(40)) bytes[at] = 1 + random.below(255);
  }
  return memory;
}

for (const [pages, writesSooner] of [
  [1, false],
  [3, false],
  [3, true],
  // Too much to be put back all of it.
  [5, true],
] as const)
  image(
    `puts back every byte of ${pages} pages where ${writesSooner ? 'writing' : 'comparing'} is cheaper, whatever is written where, a thousand times`,
    () => {
      const random = new SeededRandom(20261126);
      const memory = filled(random, pages);
      const bytes = new Uint8Array(memory.buffer);
      const before = Buffer.from(bytes);
      const taken = new MemoryImage(memory, writesSooner);
      for (let round = 0; round < 1000; round += 1) {
        // Mostly the same places, as a guest's stack and what it keeps; now and then another, at edges too.
        for (let at = 100; at < 5_000; at += 61) bytes[at] = random.below(256);
        const elsewhere = random.below(4) === 0 ? random.below(bytes.length) : 4096 * random.below(bytes.length / 4096);
        if (random.below(3) === 0) bytes[elsewhere] = random.below(256);
        if (random.below(5) === 0) bytes[bytes.length - 1 - random.below(80)] = random.below(256);
        if (random.below(50) === 0) bytes.fill(random.below(2), random.below(bytes.length));
        assert.is(taken.hasGrown, false);
        taken.restore();
        if (!before.equals(bytes)) assert.unreachable(`round ${round} of ${pages} pages left something`);
      }
    },
  );

for (const at of [0, 1, 63, 64, 65, 4095, 4096, 4097, PAGE - 65, PAGE - 64, PAGE - 1]) {
  image(`puts back one byte at ${at} of a memory of zeros`, () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bytes = new Uint8Array(memory.buffer);
    for (const writesSooner of [false, true]) {
      const taken = new MemoryImage(memory, writesSooner);
      for (let round = 0; round < 3; round += 1) {
        bytes[at] = 7;
        taken.restore();
        assert.is(bytes[at], 0);
      }
    }
  });
}

image('sees a memory of zeros that was filled with one other byte', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  const taken = new MemoryImage(memory);
  bytes.fill(7);
  taken.restore();
  assert.is(
    bytes.every((byte) => byte === 0),
    true,
  );
});

image('goes on with a memory that grew by nothing, and tells of one that grew', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).fill(5, 10, 20);
  const taken = new MemoryImage(memory);
  memory.grow(0);
  assert.is(taken.hasGrown, false);
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(9, 15, 5000);
  taken.restore();
  assert.is(Buffer.from(bytes).equals(Buffer.alloc(PAGE).fill(5, 10, 20)), true);
  memory.grow(1);
  assert.is(taken.hasGrown, true);
});

for (const held of ['zeros', 'other bytes', 'both in turns'] as const) {
  image(`puts back every byte of ${held}, of which every second piece is written to and later others`, () => {
    const UNIT = 4096;
    const memory = new WebAssembly.Memory({ initial: 144 });
    const bytes = new Uint8Array(memory.buffer);
    const units = bytes.length / UNIT;
    for (let unit = 0; unit < units; unit += 1) {
      if (held === 'other bytes' || (held === 'both in turns' && unit % 2 === 1))
        bytes.fill(3 + (unit % 5), unit * UNIT, (unit + 1) * UNIT);
    }
    const before = Buffer.from(bytes);
    const taken = new MemoryImage(memory);
    for (let round = 0; round < 264; round += 1) {
      const step = round === 0 ? 2 : 1 + ((round * 37) % 400);
      for (let unit = round % 2; unit < units; unit += step)
        bytes[unit * UNIT + ((round * 61) % UNIT)] = 1 + (round % 2);
      assert.is(taken.hasGrown, false);
      taken.restore();
      if (!before.equals(bytes)) assert.unreachable(`round ${round} left something`);
    }
  });
}

image('compares nothing of a small memory where writing is cheaper', () => {
  const { equals } = Buffer.prototype;
  let compared = 0;
  Buffer.prototype.equals = function (this: Buffer, other: Uint8Array): boolean {
    compared += 1;
    return equals.call(this, other);
  };
  try {
    const comparisons = (pages: number, writesSooner: boolean): number => {
      const taken = new MemoryImage(filled(new SeededRandom(20261127), pages), writesSooner);
      const before = compared;
      for (let round = 0; round < 300; round += 1) taken.restore();
      return compared - before;
    };
    assert.is(comparisons(4, true), 0);
    assert.ok(comparisons(4, false) > 0);
    assert.ok(comparisons(5, true) > 0);
  } finally {
    Buffer.prototype.equals = equals;
  }
});

image('of no memory at all is put back', () => {
  const memory = new WebAssembly.Memory({ initial: 0 });
  const taken = new MemoryImage(memory);
  assert.is(taken.hasGrown, false);
  taken.restore();
  memory.grow(1);
  assert.is(taken.hasGrown, true);
});

image.run();
