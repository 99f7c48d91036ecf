import type { ContextSeat } from '../context.ts';
import { randomInterfaces } from '../random/random.ts';

/** The interfaces of `wasi:random` in WASI 0.3. A call may give fewer bytes than were asked for, so that there is nothing to trap for. */
export function randomInterfaces3(seat: ContextSeat) {
  const before = randomInterfaces(seat);
  const { getRandomBytes, getRandomU64 } = before['wasi:random/random'];
  const bytes = (maxLength: bigint): Uint8Array => {
    const limit = BigInt(seat.context.backend.limits.randomBytes);
    return getRandomBytes(maxLength > limit ? limit : maxLength);
  };
  let seed: [bigint, bigint] | undefined;
  // Once for each instance, as hash maps want it: a seed that changes is none.
  const getInsecureSeed = (): [bigint, bigint] => {
    seed ??= before['wasi:random/insecure-seed'].insecureSeed();
    return seed;
  };
  return {
    'wasi:random/random@0.3': { getRandomBytes: bytes, getRandomU64 },
    'wasi:random/insecure@0.3': { getInsecureRandomBytes: bytes, getInsecureRandomU64: getRandomU64 },
    'wasi:random/insecure-seed@0.3': { getInsecureSeed },
  };
}
