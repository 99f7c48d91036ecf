import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { ControlPort, type Identity, newIdentity } from './identity.ts';
import type { MachineExit } from './machine.ts';
import { OutputTail } from './output-tail.ts';
import { privateBytes } from './private-memory.ts';
import { processorQueueNs } from './processor-need.ts';
import { SAVED_FILE } from './qemu-args.ts';
import type { QemuProcess } from './qemu-process.ts';
import { QmpConnection } from './qmp.ts';
import { watchdog } from './watchdog.ts';

/** How long QEMU may take to end by itself, then by SIGTERM, milliseconds. */
const GENTLE_MS = 500;

/** What raced for a machine's readiness came first; `refused`: what it should have answered it will not, `why` is a clause. */
export type Readiness = 'ready' | 'silent' | 'ended' | { readonly refused: string };

/** How long the kernel of a machine that goes on may take to have its new time, milliseconds. A thousand times what it takes. */
const RESUME_MS = 5_000;

/** Machines whose processes must end with this one. */
const running = new Set<MachineProcess>();

function killRunning(): void {
  for (const machine of running) machine.kill();
}

/** How a machine's process is spoken to. */
export interface MachineProcessOptions {
  /** Descriptors, as QEMU numbers them, of its control protocol and of the port by which the guest takes identities. */
  readonly ports: { readonly qmp: number; readonly control: number };
  /** What else it is connected to: destroyed when it ended. */
  readonly streams: readonly Duplex[];
  /** Called once when the process has ended, before `exited` settles. */
  readonly whenEnded?: () => void;
}

/** The other end of a descriptor that a process was started with. */
export function streamOf(child: QemuProcess, fd: number): Duplex {
  return (child.stdio as unknown as readonly Duplex[])[fd]!;
}

/** What all machines have in common: a QEMU that is paused, saved, told who it is, and ended. Whoever starts one closes it. */
export class MachineProcess {
  readonly pid: number;
  readonly exited: Promise<MachineExit>;
  readonly #child: QemuProcess;
  readonly #qmp: QmpConnection;
  readonly #control: ControlPort;
  readonly #output: OutputTail;
  /** Aborts with the end of the process. A listener can be taken off it again; of a promise that lives long it cannot. */
  readonly #ended = new AbortController();
  #identity: Identity | null = null;
  #closing: Promise<void> | null = null;

  constructor(child: QemuProcess, { ports, streams, whenEnded }: MachineProcessOptions) {
    this.pid = child.pid;
    this.#child = child;
    this.#output = new OutputTail(child.stdout!, child.stderr!);
    const [qmp, control] = [streamOf(child, ports.qmp), streamOf(child, ports.control)];
    this.#qmp = new QmpConnection(qmp);
    this.#control = new ControlPort(control);
    // A stream that breaks is a machine that ended: `exited` tells.
    for (const stream of streams) stream.on('error', () => undefined);
    this.exited = new Promise<MachineExit>((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(this);
        if (running.size === 0) process.off('exit', killRunning);
        for (const stream of [qmp, control, ...streams]) stream.destroy();
        whenEnded?.();
        resolve({ code, signal, tail: this.said() });
        this.#ended.abort();
      });
    });
    // One listener for all of them: Node takes many for a leak.
    if (running.size === 0) process.on('exit', killRunning);
    running.add(this);
  }

  /** The end of what QEMU and the guest's console have said so far. */
  said(): string {
    return this.#output.text;
  }

  /** Gives the machine a time, randomness and a name of its own; see `ControlPort`. */
  renew(identity: Identity): Promise<void> {
    this.#identity = identity;
    return this.#control.renew(identity);
  }

  /**
   * Makes a machine that is just starting one of a kind, at the present time. The first identity waits for the guest to come up, and its time is
   * late by that; the second is on time.
   */
  async renewNow(): Promise<void> {
    const { id } = newIdentity();
    await this.renew({ ...newIdentity(), id });
    await this.renew({ ...newIdentity(), id });
  }

  /** Has a machine that was started with nothing to go on from take this state, and run. */
  async goOn(state: string): Promise<void> {
    await this.#qmp.execute('migrate-incoming', { uri: state });
  }

  async pause(): Promise<void> {
    await this.#qmp.execute('stop');
  }

  /** Lets the guest go on, at the present time: its clocks stood still. */
  async resume(): Promise<void> {
    const { id } = this.#identity ?? newIdentity();
    const resumed = Promise.all([this.#qmp.execute('cont'), this.renew({ ...newIdentity(), id })]);
    const outcome = await this.whenReady(resumed, RESUME_MS);
    if (outcome === 'ready') return;
    const why = typeof outcome === 'object' ? outcome.refused : `the guest was ${outcome}`;
    throw new CloudletError('machine-failed', `the machine did not go on: ${why}`);
  }

  privateBytes(): Promise<number> {
    return privateBytes(this.pid);
  }

  /**
   * Stops the guest and writes the state of its devices to the file set that is `SAVED_FILE`; its memory is in the file that it was started
   * with. `live: false` leaves it stopped.
   */
  async save(): Promise<void> {
    try {
      await this.pause();
      await this.#qmp.execute('xen-save-devices-state', { filename: SAVED_FILE, live: false });
    } catch (error) {
      throw new CloudletError('machine-failed', `QEMU could not save the machine: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Writes to its disks that failed: its guest may have told no program of them. */
  async failedWrites(): Promise<number> {
    const disks = (await this.#qmp.execute('query-blockstats')) as {
      readonly stats: { failed_wr_operations: number };
    }[];
    return disks.reduce((sum, { stats }) => sum + stats.failed_wr_operations, 0);
  }

  /** See `QemuProcess`. */
  claimFor(claimant: string): Promise<void> {
    return this.#child.claimFor(claimant);
  }

  /** See `QemuProcess`. */
  claimNow(): Promise<void> {
    return this.#child.claimNow();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Races what makes the machine ready against its end, a watchdog of `ms` that are its own, and the caller's signal. Never rejects. */
  async whenReady(ready: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<Readiness> {
    const settled = Promise.withResolvers<Readiness>();
    const callOff = watchdog(
      ms,
      () => settled.resolve('silent'),
      () => processorQueueNs(this.pid),
    );
    const gone = () => settled.resolve('ended');
    const ends = [this.#ended.signal, ...(signal === undefined ? [] : [signal])];
    for (const end of ends) end.addEventListener('abort', gone, { once: true });
    if (ends.some(({ aborted }) => aborted)) gone();
    let refusal: NodeJS.Timeout | undefined;
    ready.then(
      () => settled.resolve('ready'),
      (error: Error) => {
        // A machine that ends breaks its connections first, and how it ended is the better reason.
        refusal = setTimeout(() => settled.resolve({ refused: error.message }), GENTLE_MS);
      },
    );
    const outcome = await settled.promise;
    callOff();
    clearTimeout(refusal);
    for (const end of ends) end.removeEventListener('abort', gone);
    return outcome;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #end(): Promise<void> {
    this.#qmp.execute('quit').catch(() => {
      // It ended already, or will by the signals below.
    });
    const timers = [
      setTimeout(() => this.#child.kill('SIGTERM'), GENTLE_MS),
      setTimeout(() => this.kill(), 2 * GENTLE_MS),
    ];
    await this.exited;
    for (const timer of timers) clearTimeout(timer);
    await this.#child.settled();
  }
}
