import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { InterruptCell } from './interrupt-cell.ts';
import {
  EPOCH_BYTES,
  FIRST_EPOCH,
  type Interrupt,
  type LateMessage,
  type LostMessage,
  type RenewedMessage,
} from './wire.ts';
import type { FromWorker, OpenLine, ToWorker, WorkerComponent, WorkerStart } from './worker-message.ts';

/** What a slot's owner hears. */
export interface WorkerSlotEvents {
  /** The worker has what it was given to load; `error` says why not. */
  readonly loaded: (error: string | null) => void;
  /** A guest waits for a piece of a late file. */
  readonly want: (message: LateMessage) => void;
  /** The worker is no more, or will soon be. */
  readonly lost: (message: Omit<LostMessage, 'worker'>) => void;
  /** The worker's successor is about to start. */
  readonly renewed: (message: Omit<RenewedMessage, 'worker'>) => void;
  /** There is no worker any more and cannot be. */
  readonly failed: (error: Error) => void;
}

/** How long an interrupted worker may take to end its invocation before the worker itself is ended, milliseconds. */
const ACKNOWLEDGE_MS = 100;

/** The same where others run in it: its end costs them their answers. Well below what the host waits before it ends the machine. */
const ACKNOWLEDGE_SHARED_MS = 500;

/** How long a worker with its component may take for its first instance and invocation before others are loaded beside it, milliseconds. */
const SETTLE_MS = 400;

/**
 * JavaScript heap of one worker, MiB. Values of typed calls live there: a guest that returns more than this costs its worker and
 * not the agent, as long as they come in small pieces; V8 ends the whole process, and so the machine, for a large one.
 */
const WORKER_HEAP_MIB = 128;

/**
 * The part of it for young objects, MiB. At its limit a worker is given 16 MiB more to be ended in; when one collection of a
 * larger young part goes over that as well, V8 ends the process.
 */
const WORKER_YOUNG_MIB = 8;

/** A place for running invocations, of which there is one unless the component is asynchronous: a worker with its line, and its successor after it had to be ended. */
export class WorkerSlot {
  readonly #entry: URL;
  readonly #openLine: () => OpenLine;
  readonly #events: WorkerSlotEvents;
  readonly #cell = new InterruptCell();
  #worker: Worker | null = null;
  #component: WorkerComponent | null = null;
  #prepared: (() => void) | null = null;
  #settled: (() => void) | null = null;
  /** Settles a load that takes long. Cleared with it: a snapshot would have it, and each clone be woken. */
  #late: NodeJS.Timeout | null = null;
  #awaitsCall = false;
  /** Invocations of an asynchronous component whose end was asked for and not told. */
  readonly #unended = new Set<number>();
  #up = false;

  constructor(entry: URL, openLine: () => OpenLine, events: WorkerSlotEvents) {
    this.#entry = entry;
    this.#openLine = openLine;
    this.#events = events;
  }

  /** Starts the first worker; resolves when it listens. */
  start(): Promise<void> {
    return this.#start(this.#openLine(), FIRST_EPOCH);
  }

  /**
   * Gives the worker the component it will run, now or as soon as there is one. Resolves when it has done what a load takes, and one invocation where it
   * awaits a call; takes long for that; or is lost.
   */
  load(component: WorkerComponent, awaitsCall: boolean): Promise<void> {
    this.#component = component;
    this.#awaitsCall = awaitsCall;
    return new Promise((resolve) => {
      this.#settled = resolve;
      this.#loadWorker();
    });
  }

  /** A load that is under way waits for no call. */
  hurry(): void {
    this.#awaitsCall = false;
    if (this.#settled !== null) this.#post({ kind: 'hurry' });
  }

  #settle(): void {
    clearTimeout(this.#late ?? undefined);
    this.#late = null;
    this.#settled?.();
    this.#settled = null;
  }

  /** Resolves when the worker, or its successor, has done what came before, a load for instance, and holds nothing that it does not need. */
  prepare(): Promise<void> {
    this.#cell.reset();
    return new Promise((resolve) => {
      this.#prepared = resolve;
      if (this.#up) this.#post({ kind: 'prepare' });
    });
  }

  /**
   * Ends an invocation, unless it is over. First rung: a running guest sees the cell at its next fuel checkpoint, a waiting one is
   * told by the message. Second rung: ends the worker, whatever it does, and starts its successor.
   */
  interrupt(id: number, why: Interrupt): void {
    const worker = this.#worker;
    if (worker === null || this.#cell.isOver(id) || this.#cell.interruptedId === (id | 0)) return;
    this.#cell.interrupt(id, why);
    const isShared = this.#component?.message.reuse != null;
    if (isShared) this.#unended.add(id);
    this.#post({ kind: 'interrupt', id, why });
    setTimeout(
      () => {
        if (worker !== this.#worker || this.#isOver(id)) return;
        // It may finish just now, and be sent the next: a worker that is ended begins nothing, and one that runs one at a time tells no end.
        this.#cell.close();
        const finished = this.#cell.finishedId;
        if (this.#isOver(id)) return this.#cell.open();
        this.#replace({ id, why, reason: 'it did not end its invocation' }, finished);
      },
      isShared ? ACKNOWLEDGE_SHARED_MS : ACKNOWLEDGE_MS,
    );
  }

  /** Takes back what the worker was sent up to this invocation and has not begun; gives the last that it may have begun. */
  recall(last: number): number {
    // Of one that is being replaced, nothing begins any more, and it was told what had not.
    return this.#worker === null ? this.#cell.begunId : this.#cell.recall(last);
  }

  /** Of several at once, the cell knows those that are over like all before them. */
  #isOver(id: number): boolean {
    return this.#component?.message.reuse == null ? this.#cell.isOver(id) : !this.#unended.has(id);
  }

  #start(line: OpenLine, epoch: Uint8Array): Promise<void> {
    const start: WorkerStart = { ...line, epoch, cell: this.#cell.buffer };
    const worker = new Worker(this.#entry, {
      workerData: start,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB, maxYoungGenerationSizeMb: WORKER_YOUNG_MIB },
    });
    this.#worker = worker;
    worker.on('error', (error) => this.#ended(worker, error.message));
    worker.on('exit', (status) => this.#ended(worker, `the worker ended with status ${status}`));
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (worker !== this.#worker) return;
        switch (message.kind) {
          case 'up':
            this.#up = true;
            this.#loadWorker();
            resolve();
            break;
          case 'loaded':
            this.#events.loaded(message.error);
            if (this.#settled !== null) this.#late ??= setTimeout(() => this.#settle(), SETTLE_MS);
            break;
          case 'settled':
            this.#settle();
            break;
          case 'want':
            this.#events.want(message.message);
            break;
          case 'ended':
            this.#unended.delete(message.id);
            break;
          case 'prepared':
            this.#prepared?.();
            this.#prepared = null;
            break;
          default:
            message satisfies never;
        }
      });
      worker.once('exit', () => reject(new Error('a worker ended before it listened')));
    });
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #loadWorker(): void {
    if (!this.#up) return;
    if (this.#component !== null)
      this.#post({ kind: 'load', component: this.#component, awaitsCall: this.#awaitsCall });
    // Who waits for this cannot know that the worker which it asked was lost.
    if (this.#prepared !== null) this.#post({ kind: 'prepare' });
  }

  #ended(worker: Worker, reason: string): void {
    if (worker === this.#worker) this.#replace({ id: 0, why: null, reason });
  }

  /** `finished` is the last whose end it may have told. */
  #replace(lost: Omit<LostMessage, 'worker' | 'finished' | 'begun'>, finished = this.#cell.finishedId): void {
    const worker = this.#worker;
    this.#worker = null;
    this.#up = false;
    this.#unended.clear();
    this.#settle();
    this.#events.lost({ ...lost, finished, begun: this.#cell.begunId });
    this.#succeed(worker).catch(this.#events.failed);
  }

  /** The successor starts when the worker is gone: both would write to one line. */
  async #succeed(worker: Worker | null): Promise<void> {
    await worker?.terminate();
    this.#cell.open();
    const line = this.#openLine();
    const epoch = randomBytes(EPOCH_BYTES);
    this.#events.renewed({ line: line.line, epoch });
    await this.#start(line, epoch);
  }
}
