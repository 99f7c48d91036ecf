import type { FileHandle } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Identity, MachineExit } from '../../machine/index.ts';
import { MachineProcess, type Readiness, streamOf } from '../../machine/machine-process.ts';
import { savedState } from '../../machine/qemu-args.ts';
import type { QemuProcess } from '../../machine/qemu-process.ts';
import { qcow2Length } from '../disk/qcow2-length.ts';
import { RelayConnection } from '../relay/relay-connection.ts';
import type { Relay } from '../vm.ts';
import { ConsoleLog } from './console-log.ts';
import { digHoles } from './dig-holes.ts';
import { VM_FD } from './vm-args.ts';
import type { StartedVm } from './vm-options.ts';

/** What `stat` counts allocated space in. */
const STAT_BLOCK_BYTES = 512;

/** What the QEMU of a VM was given, and is of use when it ended. */
export interface VmParts {
  /** The file of what it writes to its disk; closed with the VM. */
  readonly top: FileHandle;
  /** Its connection to a block server. */
  readonly served: Duplex | null;
  /** Path of its memory, when that is kept. */
  readonly memory?: string | undefined;
}

/** A VM that is a QEMU process. Whoever starts one closes it. */
export class QemuVm implements StartedVm {
  readonly id: string;
  readonly pid: number;
  readonly exited: Promise<MachineExit>;
  readonly #relay: RelayConnection;
  readonly #process: MachineProcess;
  readonly #top: FileHandle;
  readonly #memory: string | undefined;
  readonly #log = new ConsoleLog();
  #isSaved = false;
  #closing: Promise<void> | null = null;

  /** Takes over a process and what it was given. */
  constructor(id: string, child: QemuProcess, { top, served, memory }: VmParts) {
    this.id = id;
    this.pid = child.pid;
    this.#top = top;
    this.#memory = memory;
    child.stdout!.on('data', (bytes: Uint8Array) => this.#log.push(bytes));
    const port = streamOf(child, VM_FD.relay);
    this.#process = new MachineProcess(child, {
      ports: VM_FD,
      streams: served === null ? [port] : [port, served],
      whenEnded: () => this.#log.close(),
    });
    this.exited = this.#process.exited;
    this.#relay = new RelayConnection(port, (reason) => {
      this.#log.push(Buffer.from(`\n${reason}\n`));
      this.#process.kill();
    });
  }

  get console(): AsyncIterable<Uint8Array> {
    return this.#log;
  }

  get relay(): Relay {
    return this.#relay;
  }

  /** Gives it an identity, and waits for the relay's first word to this host. */
  comeAlive(): Promise<unknown> {
    return Promise.all([this.#process.renewNow(), this.#relay.ready]);
  }

  /** The same for one that was started before its files were complete. */
  goOn(): Promise<unknown> {
    return Promise.all([this.#process.goOn(savedState(VM_FD.incoming)), this.comeAlive()]);
  }

  /** See `MachineProcess`. */
  whenReady(ready: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<Readiness> {
    return this.#process.whenReady(ready, ms, signal);
  }

  renew(identity: Identity): Promise<void> {
    return this.#process.renew(identity);
  }

  pause(): Promise<void> {
    return this.#process.pause();
  }

  resume(): Promise<void> {
    return this.#process.resume();
  }

  privateBytes(): Promise<number> {
    return this.#process.privateBytes();
  }

  async growthBytes(): Promise<number> {
    return (await this.#top.stat()).blocks * STAT_BLOCK_BYTES;
  }

  quiesce(signal?: AbortSignal): Promise<void> {
    return this.#relay.quiesce(signal);
  }

  async save(): Promise<void> {
    const failed = await this.#process.failedWrites();
    if (failed > 0) {
      const sentence = `expected the disk of the VM to hold what was written to it, but ${failed} writes failed: it may grow by no more than its limit ("diskMib"); raise that`;
      throw new CloudletError('limit-exceeded', sentence);
    }
    await this.#process.save();
    this.#isSaved = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#process.close();
    try {
      if (!this.#isSaved) return;
      // What lies behind is a hole, and would be read by all who copy or verify it.
      await this.#top.truncate(await qcow2Length(this.#top));
      if (this.#memory !== undefined) await digHoles(this.#memory);
    } finally {
      await this.#top.close();
    }
  }
}
