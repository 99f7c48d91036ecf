import random from 'wasi:random/random@0.2.12';

/** Most bytes of one `getRandomValues`, as on the web. */
const MAX_BYTES = 65_536;

/** The part of the web's `crypto` that is here. */
export const crypto = {
  /** Fills an array of integers with secure random bytes. */
  getRandomValues<T extends ArrayBufferView>(array: T): T {
    if (array.byteLength > MAX_BYTES)
      throw new RangeError(`expected at most ${MAX_BYTES} bytes, got ${array.byteLength}`);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(random.getRandomBytes(bytes.length));
    return array;
  },

  /** A random UUID of version 4. */
  randomUUID(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  },
};

/** A number from 0 to below 1. The engine's own generator was seeded when the component was built: it repeats in every instance. */
export function mathRandom(): number {
  const [a, b] = crypto.getRandomValues(new Uint32Array(2));
  return ((a ?? 0) * 2 ** 21 + ((b ?? 0) >>> 11)) / 2 ** 53;
}
