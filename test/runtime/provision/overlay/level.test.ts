import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { levelFor, type MeasuredLevel, measureLevels } from '../../../../runtime/provision/overlay/level.ts';

/** As levels of zstd are: each is slower and smaller than the one before. */
const MEASURED: readonly MeasuredLevel[] = [
  { level: 1, ratio: 0.36, bytesPerS: 300e6 },
  { level: 3, ratio: 0.33, bytesPerS: 150e6 },
  { level: 9, ratio: 0.3, bytesPerS: 40e6 },
  { level: 19, ratio: 0.26, bytesPerS: 2e6 },
];

const levels = suite('the level of compression');

for (const [link, bitsPerS, level] of [
  ['a slow link', 1e6, 19],
  ['one on which the best level is just as fast as the link', 2e6 * 0.26 * 8, 19],
  ['Wi-Fi', 38e6, 9],
  ['a fast network', 1e9, 1],
  ['no network at all', 1e12, 1],
] as const)
  levels(`on ${link} is ${level}`, () => assert.is(levelFor(bitsPerS, MEASURED), level));

levels('is the smaller one of two that are as fast', () => {
  const two = [
    { level: 5, ratio: 0.4, bytesPerS: 1e6 },
    { level: 4, ratio: 0.3, bytesPerS: 1e6 },
  ];
  assert.is(levelFor(1e12, two), 4);
  assert.throws(() => levelFor(1, []), /expected a measured level/);
});

levels('is measured on samples', async () => {
  let now = 0;
  const clock = () => (now += 500);
  const sample = Buffer.from('what is the same again and again '.repeat(1000));
  const [one, nine] = await measureLevels([sample, sample], [1, 9], clock);
  assert.is(one!.level, 1);
  assert.is(one!.bytesPerS, sample.length * 4);
  assert.ok(one!.ratio < 0.1 && nine!.ratio <= one!.ratio);
  await measureLevels([], [1]).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /something to compress/),
  );
});

levels.run();
