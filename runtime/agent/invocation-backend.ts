import { openSync, readSync } from 'node:fs';
import {
  type ByteSink,
  type ByteSource,
  DEFAULT_LIMITS,
  systemClock,
  type WasiBackend,
  type WasiClock,
} from '../wasi/index.ts';
import type { InvokeMessage, LoadMessage } from './wire.ts';

/** The streams of one invocation. */
export interface InvocationStreams {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/** Everything that the guest of one invocation is given. */
export function invocationBackend(load: LoadMessage, request: InvokeMessage, streams: InvocationStreams): WasiBackend {
  return {
    ...streams,
    environment: load.environment,
    arguments: [load.program, ...load.arguments, ...(request.door === 'run' ? request.arguments : [])],
    clock: request.wallMs === undefined ? systemClock : clockFrom(request.wallMs),
    random: kernelRandom(),
    files: null,
    limits: DEFAULT_LIMITS,
  };
}

/** The system's clock with a wall time that its host said: a machine that was restored from a snapshot may live in the past. */
function clockFrom(wallMs: number): WasiClock {
  const base = wallMs - performance.now();
  return { ...systemClock, wallMs: () => base + performance.now() };
}

/** Random bytes that are read at once for many small requests of one invocation. */
const BATCH_BYTES = 256;

let randomDevice: number | null = null;

/**
 * The kernel's generator, read anew for each invocation: those of OpenSSL and of V8 go on from where a snapshot was taken, and so
 * repeat in every clone.
 */
function kernelRandom(): (bytes: Uint8Array) => void {
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
