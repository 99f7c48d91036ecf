import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS } from '../../../../runtime/wasi/index.ts';
import { randomInterfaces3 } from '../../../../runtime/wasi/p3/random.ts';
import { seatWith } from './guest-parts.ts';

const random = suite('wasi:random 0.3');

let next = 0;
const counting = (bytes: Uint8Array): void => {
  next += 1;
  bytes.fill(next);
};
const interfaces = randomInterfaces3(seatWith({ random: counting, limits: { ...DEFAULT_LIMITS, randomBytes: 16 } }));

random('gives fresh bytes, and fewer than were asked for beyond the limit', () => {
  const { getRandomBytes } = interfaces['wasi:random/random@0.3'];
  assert.is(getRandomBytes(0n).length, 0);
  assert.is(getRandomBytes(16n).length, 16);
  assert.is(getRandomBytes(17n).length, 16);
  assert.is(getRandomBytes(2n ** 64n - 1n).length, 16);
  assert.not.equal(getRandomBytes(4n), getRandomBytes(4n));
  assert.is(interfaces['wasi:random/insecure@0.3'].getInsecureRandomBytes(99n).length, 16);
});

random('gives fresh numbers', () => {
  const { getRandomU64 } = interfaces['wasi:random/random@0.3'];
  assert.ok(getRandomU64() >= 0n);
  assert.is.not(getRandomU64(), getRandomU64());
  const { getInsecureRandomU64 } = interfaces['wasi:random/insecure@0.3'];
  assert.is.not(getInsecureRandomU64(), getInsecureRandomU64());
});

random('gives one seed for the life of an instance, another for the next', () => {
  const { getInsecureSeed } = interfaces['wasi:random/insecure-seed@0.3'];
  assert.equal(getInsecureSeed(), getInsecureSeed());
  const other = randomInterfaces3(seatWith({ random: counting }))['wasi:random/insecure-seed@0.3'];
  assert.not.equal(other.getInsecureSeed(), getInsecureSeed());
});

random.run();
