import type { FileHandle } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Identity } from './identity.ts';
import type { Machine, MachineExit } from './machine.ts';
import { MachineProcess, type Readiness, streamOf } from './machine-process.ts';
import { processorNeedNs, processorQueueNs } from './processor-need.ts';
import { FD, type MachineShape } from './qemu-args.ts';
import type { QemuProcess } from './qemu-process.ts';

/** What `stat` counts allocated space in. */
const STAT_BLOCK_BYTES = 512;

/** A machine with an agent that is a QEMU process. Whoever starts one closes it. */
export class QemuMachine implements Machine {
  readonly id: string;
  readonly pid: number;
  readonly processors: number;
  readonly isEmulated: boolean;
  readonly channel: Duplex;
  readonly lines: readonly Duplex[];
  readonly bulkFd: number;
  readonly exited: Promise<MachineExit>;
  readonly #bulk: FileHandle;
  /** The disk for large bodies is no longer open. */
  readonly #released: Promise<void>;
  readonly #process: MachineProcess;

  /** Takes over a process of a machine of that shape, and its disk for large bodies. */
  constructor(
    id: string,
    child: QemuProcess,
    { workers, vcpus, accelerator }: Pick<MachineShape, 'workers' | 'vcpus' | 'accelerator'>,
    bulk: FileHandle,
  ) {
    this.processors = vcpus;
    this.isEmulated = accelerator.kind === 'tcg';
    this.id = id;
    this.pid = child.pid;
    this.channel = streamOf(child, FD.agent);
    this.lines = Array.from({ length: workers }, (_, worker) => streamOf(child, FD.line + worker));
    this.bulkFd = bulk.fd;
    this.#bulk = bulk;
    this.#process = new MachineProcess(child, {
      ports: FD,
      streams: [this.channel, ...this.lines],
    });
    this.exited = this.#process.exited;
    // After those who read what came before have heard of the end.
    this.#released = this.exited.then(() => setImmediate()).then(() => bulk.close());
  }

  /** See `MachineProcess`, as for all that follows. */
  said(): string {
    return this.#process.said();
  }

  renew(identity: Identity): Promise<void> {
    return this.#process.renew(identity);
  }

  renewNow(): Promise<void> {
    return this.#process.renewNow();
  }

  pause(): Promise<void> {
    return this.#process.pause();
  }

  resume(): Promise<void> {
    return this.#process.resume();
  }

  save(): Promise<void> {
    return this.#process.save();
  }

  claimFor(claimant: string): Promise<void> {
    return this.#process.claimFor(claimant);
  }

  /** One in the background claims what others do; see `QemuProcess`. */
  claimNow(): Promise<void> {
    return this.#process.claimNow();
  }

  /** Resolves when nothing of it is open any more, too. */
  async close(): Promise<void> {
    await this.#process.close();
    await this.#released;
  }

  whenReady(ready: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<Readiness> {
    return this.#process.whenReady(ready, ms, signal);
  }

  processorNeedNs(): number | null {
    return processorNeedNs(this.pid);
  }

  processorQueueNs(): number | null {
    return processorQueueNs(this.pid);
  }

  /** The disk for large bodies lies in memory, and is counted. */
  async privateBytes(): Promise<number> {
    return (await this.#process.privateBytes()) + (await this.#bulk.stat()).blocks * STAT_BLOCK_BYTES;
  }

  /** Resolves when the agent has said something; the bytes are left in the channel. */
  firstWord(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.channel.readableLength === 0) return;
        this.channel.off('readable', look);
        resolve();
      };
      this.channel.on('readable', look);
    });
  }
}
