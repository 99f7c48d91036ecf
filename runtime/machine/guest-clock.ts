import type { StdioOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { openFirmware } from './firmware-file.ts';
import { MEASURING_ARGS } from './qemu-args.ts';
import { startQemu } from './qemu-process.ts';

/** Questions for one reading: the answer that came back fastest says best when it was given. */
const ROUNDS = 15;
/** Time between the two readings, milliseconds: long enough for about 100 ppm. */
const BETWEEN_MS = 250;
/** How far off the rate may be at worst: on a busy computer answers are late, and the second reading is taken again, further from the first. */
const MOST_OFF = 500e-6;
/** After this it is what it is, milliseconds. */
const MOST_BETWEEN_MS = 5_000;
const TIMEOUT_MS = 10_000;

interface Reading {
  /** Host time in the middle of the question and its answer, milliseconds. */
  readonly atMs: number;
  readonly counter: bigint;
  readonly roundTripMs: number;
}

/**
 * Measures how fast the time-stamp counter of a TCG guest runs, in kHz, by asking a guest twice. Null when it cannot be measured:
 * the kernel then has to calibrate, which fails now and then.
 */
export async function measureGuestClock(qemu: string): Promise<number | null> {
  const args = ['-accel', 'tcg', '-cpu', 'max', ...MEASURING_ARGS];
  args.push('-bios', '/proc/self/fd/4', '-chardev', 'socket,id=s,fd=3', '-serial', 'chardev:s');
  const file = await openFirmware('clock');
  try {
    const stdio: Exclude<StdioOptions, string> = ['ignore', 'ignore', 'ignore', 'pipe', file.fd];
    const child = await startQemu({ qemu, accelerator: 'tcg', args, stdio });
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const port = child.stdio[3] as Duplex;
    try {
      const first = await read(port);
      let second: Reading;
      do {
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
        second = await read(port);
      } while (mayBeOff(first, second) > MOST_OFF && second.atMs - first.atMs < MOST_BETWEEN_MS);
      return Math.round(Number(second.counter - first.counter) / (second.atMs - first.atMs));
    } catch {
      return null; // QEMU ended or was too slow; the boot watchdog covers what follows.
    } finally {
      clearTimeout(timer);
      child.kill('SIGKILL');
      await exited;
    }
  } finally {
    await file.close();
  }
}

/** By how much the rate between two readings may be wrong at worst, as a part of it: an answer was given at any moment between question and answer. */
function mayBeOff(first: Reading, second: Reading): number {
  return (first.roundTripMs + second.roundTripMs) / 2 / (second.atMs - first.atMs);
}

/** The best of several readings. */
async function read(port: Duplex): Promise<Reading> {
  let best: Reading | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const askedAt = performance.now();
    const counter = await ask(port);
    const answeredAt = performance.now();
    const roundTripMs = answeredAt - askedAt;
    if (best === null || roundTripMs < best.roundTripMs)
      best = { atMs: (askedAt + answeredAt) / 2, counter, roundTripMs };
  }
  return best!;
}

function ask(port: Duplex): Promise<bigint> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const done = () => {
      port.off('data', take);
      port.off('close', fail);
      port.off('error', fail);
    };
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 8) return;
      done();
      resolve(bytes.readBigUInt64LE());
    };
    const fail = () => {
      done();
      reject(new Error('the clock guest ended'));
    };
    port.on('data', take).once('close', fail).once('error', fail);
    port.write('?');
  });
}
