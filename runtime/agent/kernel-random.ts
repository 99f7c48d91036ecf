import { openSync, readSync } from 'node:fs';

/** Random bytes that are read at once for many small requests of one invocation. */
const BATCH_BYTES = 256;

let randomDevice: number | null = null;

/**
 * The kernel's generator, read anew for each invocation: those of OpenSSL and of V8 go on from where a snapshot was taken, and so
 * repeat in every clone.
 */
export function kernelRandom(): (bytes: Uint8Array) => void {
  let batch = new Uint8Array(0);
  return (bytes) => {
    if (bytes.length > BATCH_BYTES / 4) return readKernel(bytes);
    if (batch.length < bytes.length) {
      batch = new Uint8Array(BATCH_BYTES);
      readKernel(batch);
    }
    bytes.set(batch.subarray(0, bytes.length));
    batch = batch.subarray(bytes.length);
  };
}

function readKernel(bytes: Uint8Array): void {
  randomDevice ??= openSync('/dev/urandom', 'r');
  for (let at = 0; at < bytes.length; ) at += readSync(randomDevice, bytes, at, bytes.length - at, null);
}
