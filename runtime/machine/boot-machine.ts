import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../image/index.ts';
import type { Accelerator } from './accelerator.ts';
import type { Machine, MachineExit } from './machine.ts';
import { OutputTail } from './output-tail.ts';
import { privateBytes } from './private-memory.ts';
import { qemuArgs } from './qemu-args.ts';
import { type QemuProcess, startQemu } from './qemu-process.ts';
import { QmpConnection } from './qmp.ts';

/** How a machine is booted. Units in the names. */
export interface BootOptions {
  readonly id: string;
  readonly image: BaseImage;
  readonly accelerator: Accelerator;
  /** Memory of the guest; what it does not use is not taken. Default 512. */
  readonly memoryMib?: number;
  /** Default 2. */
  readonly vcpus?: number;
  /** Guests that may run at once inside. Default 4. */
  readonly workers?: number;
  /** How long the agent may take to say its first word; then the machine is killed and booted once more. Default 30 s. */
  readonly bootMs?: number;
  /** Program to run; default `qemu-system-x86_64`. */
  readonly qemu?: string;
  readonly signal?: AbortSignal;
}

const DEFAULTS = { memoryMib: 512, vcpus: 2, workers: 4, bootMs: 30_000, qemu: 'qemu-system-x86_64' };
/** A boot that hangs is tried once more: the kernel's clock calibration is known to fail now and then. */
const ATTEMPTS = 2;
/** How long QEMU may take to end by itself, then by SIGTERM, milliseconds. */
const GENTLE_MS = 500;

/**
 * Boots a machine from a base image and resolves when its agent has begun to speak; the bytes are left in the channel.
 * Fails with `machine-failed`, quoting what QEMU and the console said last.
 */
export async function bootMachine(options: BootOptions): Promise<Machine> {
  for (let attempt = 1; ; attempt++) {
    const machine = await startMachine(options);
    const outcome = await firstWord(machine, options);
    if (outcome === 'spoke') return machine;
    await machine.close();
    options.signal?.throwIfAborted();
    if (outcome === 'silent' && attempt < ATTEMPTS) continue;
    const { code, signal, tail } = await machine.exited;
    const what =
      outcome === 'silent'
        ? `the agent was silent for ${options.bootMs ?? DEFAULTS.bootMs} ms, ${ATTEMPTS} times`
        : `QEMU ended with ${signal ?? `status ${code}`}`;
    throw new CloudletError('machine-failed', `the machine did not boot: ${what}; it said last: ${tail || 'nothing'}`);
  }
}

async function startMachine(options: BootOptions): Promise<Machine> {
  const { image, accelerator } = options;
  const handles: FileHandle[] = [];
  try {
    for (const path of [image.kernel, image.initrd, image.root]) handles.push(await openPart(path));
    const shape = {
      accelerator,
      memoryMib: options.memoryMib ?? DEFAULTS.memoryMib,
      vcpus: options.vcpus ?? DEFAULTS.vcpus,
      workers: options.workers ?? DEFAULTS.workers,
    };
    const child = await startQemu({
      qemu: options.qemu ?? DEFAULTS.qemu,
      accelerator: accelerator.kind,
      args: qemuArgs(shape),
      // `ignore` for stdin: with `stdio` as its console's backend QEMU reads it, and the end of a pipe would be input.
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', ...handles.map((handle) => handle.fd)],
    });
    return ownMachine(options.id, child);
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    throw new CloudletError(
      'sandbox-unavailable',
      `the base image cannot be read: ${(error as Error).message}; run: npx cloudlet image build`,
      { cause: error },
    );
  }
}

function ownMachine(id: string, child: QemuProcess): Machine {
  const output = new OutputTail(child.stdout!, child.stderr!);
  const channel = child.stdio[3] as Duplex;
  const control = child.stdio[4] as Duplex;
  const qmp = new QmpConnection(control);
  // A channel that breaks is a machine that ended: `exited` tells.
  channel.on('error', () => undefined);
  const exited = new Promise<MachineExit>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      channel.destroy();
      control.destroy();
      resolve({ code, signal, tail: output.text });
    });
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let closing: Promise<void> | null = null;
  const close = async () => {
    qmp.execute('quit').catch(() => {
      // It ended already, or will by the signals below.
    });
    const timers = [setTimeout(() => child.kill('SIGTERM'), GENTLE_MS), setTimeout(kill, 2 * GENTLE_MS)];
    await exited;
    for (const timer of timers) clearTimeout(timer);
  };
  return {
    id,
    pid: child.pid,
    channel,
    exited,
    pause: async () => void (await qmp.execute('stop')),
    resume: async () => void (await qmp.execute('cont')),
    privateBytes: () => privateBytes(child.pid),
    close: () => (closing ??= close()),
  };
}

/** Races the first byte on the channel against the end of the machine, the watchdog and the caller's signal. */
function firstWord(machine: Machine, options: BootOptions): Promise<'spoke' | 'silent' | 'ended'> {
  return new Promise((resolve) => {
    const settle = (outcome: 'spoke' | 'silent' | 'ended') => {
      clearTimeout(watchdog);
      machine.channel.off('readable', spoke);
      options.signal?.removeEventListener('abort', aborted);
      resolve(outcome);
    };
    const spoke = () => {
      if (machine.channel.readableLength > 0) settle('spoke');
    };
    const aborted = () => settle('ended');
    const watchdog = setTimeout(() => settle('silent'), options.bootMs ?? DEFAULTS.bootMs);
    machine.channel.on('readable', spoke);
    options.signal?.addEventListener('abort', aborted, { once: true });
    if (options.signal?.aborted === true) aborted();
    void machine.exited.then(() => settle('ended'));
  });
}
