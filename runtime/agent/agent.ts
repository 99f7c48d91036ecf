import { availableParallelism } from 'node:os';
import type { BulkDisk } from './bulk-disk.ts';
import type { ChannelPort } from './channel-port.ts';
import { rehearseCodec } from './codec-rehearsal.ts';
import { collectGarbage } from './collect-garbage.ts';
import { ComponentLoad } from './component-load.ts';
import { loadInTurn } from './load-in-turn.ts';
import {
  type CancelMessage,
  decodeMessage,
  encodeFrame,
  encodeFreed,
  encodeMessage,
  type Frame,
  FrameReader,
  type KindName,
  LATE_ID,
  type LateMessage,
  type LoadedMessage,
  type LoadMessage,
  type LostMessage,
  type ReadyMessage,
  type RecalledMessage,
  type RecallMessage,
  type RenewedMessage,
  WIRE_VERSION,
  WireError,
} from './wire.ts';
import type { OpenLine, WorkerComponent } from './worker-message.ts';
import { WorkerSlot } from './worker-slot.ts';

/** What an agent serves. */
export interface AgentParts {
  readonly port: ChannelPort;
  /** Guests that may run at once. */
  readonly workers: number;
  /** Opens a line for the worker of this number, or for its successor; throws when there is none. */
  readonly openLine: (worker: number) => OpenLine;
  /** The disk for large payloads, where the machine has one. */
  readonly bulk: BulkDisk | null;
}

/**
 * Serves the channel: loads one component into workers, and ends those that do not end. Runs no guest code, and sees no invocation that
 * goes well: those go over the workers' own lines.
 */
export class Agent {
  readonly #parts: AgentParts;
  readonly #reader = new FrameReader();
  readonly #started = Promise.withResolvers<void>();
  #slots: readonly WorkerSlot[] = [];
  /** Nothing was freed since it started, or since its load. */
  #isFresh = true;
  #load: ComponentLoad | null = null;
  /** All workers have what is loaded. */
  #loaded: Promise<unknown> = Promise.resolve();
  #component: WorkerComponent | null = null;
  #loadedAs: ((loaded: Omit<LoadedMessage, 'compileMs'>) => void) | null = null;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  /**
   * Says `ready`, serves, and starts the workers, whose program is `entry`, one by one. A worker takes a second where the processor is
   * emulated: the first starts while the component is sent and compiled, the others behind it, because a first call needs only one.
   * Resolves when all are there.
   */
  async start(entry: URL): Promise<void> {
    const { port, workers, openLine } = this.#parts;
    this.#slots = Array.from({ length: workers }, (_, worker) => this.#slot(entry, worker, () => openLine(worker)));
    port.start((bytes) => {
      for (const frame of this.#reader.push(bytes)) this.#dispatch(frame);
    });
    const ready: ReadyMessage = { wire: WIRE_VERSION, node: process.version, workers };
    this.#say('ready', 0, ready);
    for (const slot of this.#slots) await slot.start();
    this.#started.resolve();
  }

  #slot(entry: URL, worker: number, openLine: () => OpenLine): WorkerSlot {
    return new WorkerSlot(entry, openLine, {
      loaded: (error) => this.#answerLoad(error),
      want: (message: LateMessage) => this.#say('want', 0, message),
      lost: (message) => this.#say('lost', 0, { worker, ...message } satisfies LostMessage),
      renewed: (message) => this.#say('renewed', 0, { worker, ...message } satisfies RenewedMessage),
      failed: (error) => {
        // An agent that cannot have its workers is of no use: the host sees the channel end and starts another machine.
        process.stderr.write(`agent: a worker could not be replaced: ${error.message}\n`);
        process.exit(1);
      },
    });
  }

  #dispatch({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'ping':
        this.#parts.port.write(encodeFrame('pong', id, payload));
        break;
      case 'prepare':
        void this.#prepare(id);
        break;
      case 'load':
        this.#beginLoad(id, decodeMessage(payload) as LoadMessage);
        break;
      case 'cancel': {
        const { worker, why } = decodeMessage(payload) as CancelMessage;
        this.#slots[worker]?.interrupt(id, why);
        break;
      }
      case 'recall': {
        const { worker, last } = decodeMessage(payload) as RecallMessage;
        const begun = this.#slots[worker]!.recall(last);
        this.#say('recalled', 0, { worker, last, begun } satisfies RecalledMessage);
        break;
      }
      case 'late':
        this.#load?.late.begin(decodeMessage(payload) as LateMessage);
        break;
      case 'body':
        this.#take(id, payload);
        break;
      case 'bulk': {
        if (this.#parts.bulk === null) throw new WireError('expected no bulk frame: there is no disk for it');
        const { bytes, slot } = this.#parts.bulk.fetch(payload);
        this.#parts.port.write(encodeFrame('freed', 0, encodeFreed(slot)));
        this.#take(id, bytes);
        break;
      }
      case 'end':
        if (this.#load !== null) void this.#finishLoad(this.#load);
        break;
      default:
        throw new WireError(`expected a frame that a host may send, got ${kind}`);
    }
  }

  /** Bytes of the load come under its id, those of late files under none. */
  #take(id: number, bytes: Uint8Array): void {
    if (id === LATE_ID) this.#load?.late.push(bytes);
    else this.#load?.push(bytes);
  }

  /** Waits for all workers, and frees what nobody needs, so that no clone carries it. */
  async #prepare(id: number): Promise<void> {
    await this.#started.promise;
    for (const slot of this.#slots) slot.hurry();
    await this.#loaded;
    for (const slot of this.#slots) await slot.prepare();
    rehearseCodec();
    collectGarbage(this.#isFresh ? 'all' : 'young');
    this.#isFresh = false;
    this.#parts.port.write(encodeFrame('prepared', id, new Uint8Array(0)));
  }

  #beginLoad(id: number, message: LoadMessage): void {
    if (this.#load !== null || this.#component !== null) throw new WireError('expected one load for each agent');
    this.#isFresh = true;
    this.#load = new ComponentLoad(id, message);
  }

  async #finishLoad(load: ComponentLoad): Promise<void> {
    const startedAt = performance.now();
    this.#loadedAs = (loaded) => this.#say('loaded', load.id, { ...loaded, compileMs: performance.now() - startedAt });
    const failed = (error: unknown) => this.#answerLoad((error as Error).message);
    try {
      const component = await load.finish();
      this.#component = component;
      this.#loaded = loadInTurn(this.#slots, component, availableParallelism()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** The first worker that has it, or cannot have it, speaks for all. */
  #answerLoad(error: string | null): void {
    this.#loadedAs?.(error === null ? {} : { error });
    this.#loadedAs = null;
  }

  #say(kind: KindName, id: number, message: unknown): void {
    this.#parts.port.write(encodeFrame(kind, id, encodeMessage(message)));
  }
}
