import { openSync, readSync } from 'node:fs';

/** Random bytes that are read at once for small requests of one invocation: first, and for one that goes on asking. */
const FIRST_BATCH_BYTES = 256;
const BATCH_BYTES = 8192;

/** A batch serves at least so many requests. */
const REQUESTS = 4;

let randomDevice: number | null = null;

/**
 * The kernel's generator, read anew for each invocation: those of OpenSSL and of V8 go on from where a snapshot was taken, and so
 * repeat in every clone.
 */
export function kernelRandom(): (bytes: Uint8Array) => void {
  let batch = new Uint8Array(0);
  let used = 0;
  let next = FIRST_BATCH_BYTES;
  return (bytes) => {
    const { length } = bytes;
    if (batch.length - used < length) {
      const size = next;
      next = Math.min(BATCH_BYTES, next * 2);
      if (length > size / REQUESTS) return readKernel(bytes);
      batch = new Uint8Array(size);
      readKernel(batch);
      used = 0;
    }
    bytes.set(batch.subarray(used, used + length));
    // What was given is nobody's to find.
    batch.fill(0, used, used + length);
    used += length;
  };
}

function readKernel(bytes: Uint8Array): void {
  randomDevice ??= openSync('/dev/urandom', 'r');
  for (let at = 0; at < bytes.length; ) at += readSync(randomDevice, bytes, at, bytes.length - at, null);
}
