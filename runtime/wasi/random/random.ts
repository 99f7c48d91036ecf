import type { Context, ContextSeat } from '../context.ts';
import { GuestTrap } from '../guest-end.ts';

/** Most bytes that the platform's generators fill in one call. */
const FILL_BYTES = 64 * 1024;

/** The interfaces of `wasi:random`. The "insecure" ones are as good as the other: nothing is cached, so that clones of a snapshot differ. */
export function randomInterfaces(seat: ContextSeat) {
  const bytes = (length: bigint) => randomBytes(seat.context, length);
  const u64 = () => new DataView(randomBytes(seat.context, 8n).buffer).getBigUint64(0);
  return {
    'wasi:random/random': { getRandomBytes: bytes, getRandomU64: u64 },
    'wasi:random/insecure': { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 },
    'wasi:random/insecure-seed': { insecureSeed: (): [bigint, bigint] => [u64(), u64()] },
  };
}

/** Exactly `length` bytes, or a trap: WASI 0.2 allows no shorter answer and no error. */
function randomBytes(context: Context, length: bigint): Uint8Array {
  const limit = context.backend.limits.randomBytes;
  if (length > BigInt(limit))
    throw new GuestTrap(`one call gives at most ${limit} random bytes, the guest asked for ${length}`, 'randomBytes');
  context.worked(Number(length));
  const bytes = new Uint8Array(Number(length));
  for (let at = 0; at < bytes.length; at += FILL_BYTES) context.backend.random(bytes.subarray(at, at + FILL_BYTES));
  return bytes;
}
