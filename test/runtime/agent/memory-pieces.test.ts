import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leastGap, takePieces } from '../../../runtime/agent/memory-pieces.ts';
import { SeededRandom } from '../../support/random.ts';

const pieces = suite('pieces of a row of units');

type Piece = readonly [from: number, to: number, isMarked: boolean];

function taken(marks: Uint8Array, least: number, from = 0, to = marks.length): Piece[] {
  const all: Piece[] = [];
  takePieces(marks, from, to, least, (...piece) => void all.push(piece));
  return all;
}

const marksOf = (text: string) => Uint8Array.from(text, (mark) => Number(mark));

for (const [text, least, expected] of [
  ['', 1, []],
  ['000', 9, [[0, 3, false]]],
  ['111', 1, [[0, 3, true]]],
  [
    '0110',
    1,
    [
      [0, 1, false],
      [1, 3, true],
      [3, 4, false],
    ],
  ],
  ['0110', 2, [[0, 4, true]]],
  [
    '100100001',
    3,
    [
      [0, 4, true],
      [4, 8, false],
      [8, 9, true],
    ],
  ],
] as const) {
  pieces(`of "${text}" with gaps of ${least}`, () => assert.equal(taken(marksOf(text), least), expected));
}

pieces('are no more than may be, lie behind each other, and every mark is in one that is marked', () => {
  const random = new SeededRandom(20261127);
  for (const [length, most] of [
    [4096, 16],
    [4096, 3],
    [131_072, 2048],
  ] as const) {
    const marks = Uint8Array.from({ length }, () => random.below(2));
    const rows = [
      { from: 0, to: length / 4 },
      { from: length / 4, to: length },
    ];
    const least = leastGap(marks, rows, most);
    const all = rows.flatMap(({ from, to }) => taken(marks, least, from, to));
    assert.ok(all.length <= most);
    let at = 0;
    for (const [from, to, isMarked] of all) {
      assert.is(from, at);
      if (!isMarked) assert.is(marks.subarray(from, to).indexOf(1), -1);
      at = to;
    }
    assert.is(at, length);
  }
});

pieces('are exact where those fit', () => {
  const marks = Uint8Array.from({ length: 64 }, (_, unit) => unit % 2);
  assert.is(leastGap(marks, [{ from: 0, to: 64 }], 64), 1);
  assert.is(leastGap(marks, [{ from: 0, to: 64 }], 63), 2);
});

pieces.run();
