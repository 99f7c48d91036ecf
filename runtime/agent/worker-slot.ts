import { Worker } from 'node:worker_threads';
import type { GrantMessage } from './wire.ts';
import {
  type FromWorker,
  INTERRUPTS,
  type Interrupt,
  type ToWorker,
  type WorkerComponent,
  type WorkerStart,
} from './worker-message.ts';

/** What a slot's owner hears. */
export interface WorkerSlotEvents {
  /** A message about the running invocation, or the end of a load. */
  readonly message: (slot: WorkerSlot, message: FromWorker) => void;
  /** The worker ended by itself, for instance because it used up its memory. It has to be replaced. */
  readonly lost: (slot: WorkerSlot, reason: string) => void;
}

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

/** A place for one running invocation: a worker, and its successor after it had to be ended. */
export class WorkerSlot {
  readonly #entry: URL;
  readonly #events: WorkerSlotEvents;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | null = null;
  #component: WorkerComponent | null = null;
  #grant: GrantMessage | null = null;
  #prepared: (() => void) | null = null;
  #up = false;
  #ready = false;

  constructor(entry: URL, events: WorkerSlotEvents) {
    this.#entry = entry;
    this.#events = events;
  }

  /** Whether the worker has the component and can take an invocation. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Starts the worker; resolves when it listens. What was loaded before is loaded into it. */
  start(): Promise<void> {
    const start: WorkerStart = { interruptCell: this.#cell.buffer as SharedArrayBuffer };
    Atomics.store(this.#cell, 0, 0);
    const worker = new Worker(this.#entry, {
      workerData: start,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB, maxYoungGenerationSizeMb: WORKER_YOUNG_MIB },
    });
    this.#worker = worker;
    this.#up = false;
    this.#ready = false;
    worker.on('error', (error) => this.#lose(worker, error.message));
    worker.on('exit', (status) => this.#lose(worker, `the worker ended with status ${status}`));
    return new Promise((resolve, reject) => {
      worker.on('message', (messages: readonly FromWorker[]) => {
        for (const message of messages) {
          if (worker !== this.#worker) return;
          if (message.kind === 'up') {
            this.#up = true;
            this.#loadWorker();
            resolve();
            continue;
          }
          if (message.kind === 'prepared') {
            this.#prepared?.();
            this.#prepared = null;
            continue;
          }
          if (message.kind === 'loaded') this.#ready = message.error === null;
          this.#events.message(this, message);
        }
      });
      worker.once('exit', () => reject(new Error('a worker ended before it listened')));
    });
  }

  /** Gives the worker the component it will run, now or as soon as there is one. */
  load(component: WorkerComponent): void {
    this.#component = component;
    this.#loadWorker();
  }

  /** What its invocations are given, from the next one on. */
  grant(grant: GrantMessage): void {
    this.#grant = grant;
    if (this.#up) this.post({ kind: 'grant', grant });
  }

  /** Resolves when the worker, or its successor, has done what came before, a load for instance, and holds nothing that it does not need. */
  prepare(): Promise<void> {
    return new Promise((resolve) => {
      this.#prepared = resolve;
      if (this.#up) this.post({ kind: 'prepare' });
    });
  }

  post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** Starts an invocation. */
  invoke(message: Extract<ToWorker, { kind: 'invoke' }>): void {
    Atomics.store(this.#cell, 0, 0);
    this.post(message);
  }

  /** First rung: a running guest sees it at its next fuel checkpoint, a waiting one by the message. */
  interrupt(id: number, why: Interrupt): void {
    Atomics.store(this.#cell, 0, INTERRUPTS.indexOf(why) + 1);
    this.post({ kind: 'interrupt', id, why });
  }

  /** Second rung: ends the worker, whatever it does, and starts its successor. */
  async replace(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#up = false;
    this.#ready = false;
    await worker?.terminate();
    await this.start();
  }

  #loadWorker(): void {
    if (!this.#up) return;
    if (this.#component !== null) this.post({ kind: 'load', component: this.#component });
    if (this.#grant !== null) this.post({ kind: 'grant', grant: this.#grant });
    // Who waits for this cannot know that the worker which it asked was lost.
    if (this.#prepared !== null) this.post({ kind: 'prepare' });
  }

  #lose(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#events.lost(this, reason);
  }
}
