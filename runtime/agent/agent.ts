import { AgentInvocation } from './agent-invocation.ts';
import type { BulkDisk } from './bulk-disk.ts';
import type { ChannelPort } from './channel-port.ts';
import { collectGarbage } from './collect-garbage.ts';
import { ComponentLoad } from './component-load.ts';
import {
  BULK_FROM_BYTES,
  type CreditMessage,
  type DoneMessage,
  decodeMessage,
  encodeFrame,
  encodeFreed,
  encodeMessage,
  type Frame,
  FrameReader,
  type GrantMessage,
  type InvokeMessage,
  type KindName,
  type LoadedMessage,
  type LoadMessage,
  type ReadyMessage,
  WIRE_VERSION,
  WireError,
} from './wire.ts';
import type { FromWorker, Interrupt, WorkerComponent } from './worker-message.ts';
import { WorkerSlot } from './worker-slot.ts';

/** How long an interrupted worker may take to end its invocation before the worker itself is ended, milliseconds. */
const ACKNOWLEDGE_MS = 100;

/** Invocations that may wait for a worker. The host knows how many workers there are; only one that is being replaced makes any wait. */
const WAITING = 64;

/** Serves the channel: loads one component, hands invocations to workers, and ends those that do not end. Runs no guest code. */
export class Agent {
  readonly #port: ChannelPort;
  readonly #bulk: BulkDisk | null;
  readonly #slots: WorkerSlot[];
  readonly #invocations = new Map<number, AgentInvocation>();
  readonly #waiting: AgentInvocation[] = [];
  readonly #reader = new FrameReader();
  readonly #started = Promise.withResolvers<void>();
  #load: ComponentLoad | null = null;
  #component: WorkerComponent | null = null;
  #loadedAs: ((loaded: Omit<LoadedMessage, 'compileMs'>) => void) | null = null;

  /** `bulk` is the disk for large payloads, where the machine has one. */
  constructor(port: ChannelPort, entry: URL, workers: number, bulk: BulkDisk | null = null) {
    this.#port = port;
    this.#bulk = bulk;
    const events = {
      message: (slot: WorkerSlot, message: FromWorker) => this.#heard(slot, message),
      lost: (slot: WorkerSlot, reason: string) => this.#lost(slot, reason),
    };
    this.#slots = Array.from({ length: workers }, () => new WorkerSlot(entry, events));
  }

  /**
   * Says `ready`, serves, and starts the workers one by one. A worker takes a second where the processor is emulated: the first
   * starts while the component is sent and compiled, the others behind it, because a first call needs only one.
   * Resolves when all are there.
   */
  async start(): Promise<void> {
    this.#port.start((bytes) => {
      for (const frame of this.#reader.push(bytes)) this.#dispatch(frame);
    });
    const ready: ReadyMessage = { wire: WIRE_VERSION, node: process.version, workers: this.#slots.length };
    this.#say('ready', 0, ready);
    for (const slot of this.#slots) await slot.start();
    this.#started.resolve();
  }

  #dispatch({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'ping':
        this.#port.write(encodeFrame('pong', id, payload));
        break;
      case 'prepare':
        void this.#prepare(id);
        break;
      case 'grant': {
        const grant = decodeMessage(new Uint8Array(payload)) as GrantMessage;
        for (const slot of this.#slots) slot.grant(grant);
        break;
      }
      case 'load':
        this.#beginLoad(id, decodeMessage(payload) as LoadMessage);
        break;
      case 'invoke':
        // A copy: what is decoded are views, and all they are views of would go to the worker.
        this.#invoke(id, decodeMessage(new Uint8Array(payload)) as InvokeMessage);
        break;
      case 'cancel':
        this.#interrupt(id, 'client-closed');
        break;
      case 'body':
        // A copy (which a Buffer's own slice is not): the payload is a view, and all it is a view of would go to the worker.
        if (this.#load?.id === id) this.#load.push(payload);
        else this.#invocations.get(id)?.tell({ kind: 'body', id, bytes: new Uint8Array(payload) });
        break;
      case 'bulk': {
        if (this.#bulk === null) throw new WireError('expected no bulk frame: there is no disk for it');
        const { bytes, slot } = this.#bulk.fetch(payload);
        this.#port.write(encodeFrame('freed', 0, encodeFreed(slot)));
        if (this.#load?.id === id) this.#load.push(bytes);
        else this.#invocations.get(id)?.tell({ kind: 'body', id, bytes });
        break;
      }
      case 'freed':
        this.#bulk?.freed(payload);
        break;
      case 'end':
        if (this.#load?.id === id) void this.#finishLoad(this.#load);
        else this.#invocations.get(id)?.tell({ kind: 'end', id });
        break;
      case 'credit':
        this.#invocations.get(id)?.tell({
          kind: 'credit',
          id,
          bytes: (decodeMessage(payload) as CreditMessage).bytes,
        });
        break;
      default:
        throw new WireError(`expected a frame that a host may send, got ${kind}`);
    }
  }

  /** Waits for all workers, and frees what nobody needs, so that no clone carries it. */
  async #prepare(id: number): Promise<void> {
    await this.#started.promise;
    for (const slot of this.#slots) await slot.prepare();
    collectGarbage();
    this.#port.write(encodeFrame('prepared', id, new Uint8Array(0)));
  }

  #beginLoad(id: number, message: LoadMessage): void {
    if (this.#load !== null || this.#component !== null) throw new WireError('expected one load for each agent');
    this.#load = new ComponentLoad(id, message);
  }

  async #finishLoad(load: ComponentLoad): Promise<void> {
    const startedAt = performance.now();
    const answer = (loaded: Omit<LoadedMessage, 'compileMs'>) =>
      this.#say('loaded', load.id, { ...loaded, compileMs: performance.now() - startedAt });
    try {
      const component = await load.finish();
      this.#component = component;
      this.#loadedAs = answer;
      for (const slot of this.#slots) slot.load(component);
    } catch (error) {
      answer({ error: (error as Error).message });
    }
  }

  #invoke(id: number, message: InvokeMessage): void {
    const invocation = new AgentInvocation(id, message, () => this.#interrupt(id, 'deadline-exceeded'));
    this.#invocations.set(id, invocation);
    if (this.#component === null) {
      this.#fail(invocation, 'machine-failed', 'the agent has no component');
    } else if (this.#waiting.length >= WAITING) {
      this.#fail(invocation, 'at-capacity', 'all workers are busy');
    } else {
      this.#waiting.push(invocation);
      this.#assign();
    }
  }

  #assign(): void {
    for (const slot of this.#slots) {
      if (!slot.ready || this.#runningIn(slot) !== undefined) continue;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.begin(slot);
    }
  }

  /** Climbs the ladder for an invocation: it is dropped when it waits; else its guest is interrupted, then its worker is ended. */
  #interrupt(id: number, why: Interrupt): void {
    const invocation = this.#invocations.get(id);
    if (invocation === undefined || !invocation.interrupt(why)) return;
    const slot = invocation.slot;
    if (slot === null) {
      this.#waiting.splice(this.#waiting.indexOf(invocation), 1);
      this.#fail(invocation, why, 'the invocation had not begun');
      return;
    }
    invocation.after(ACKNOWLEDGE_MS, () => {
      const detail =
        why === 'deadline-exceeded'
          ? `the function did not finish within ${invocation.deadlineMs} ms`
          : 'the caller left';
      this.#replace(slot);
      this.#fail(invocation, why, detail);
    });
  }

  #heard(slot: WorkerSlot, message: FromWorker): void {
    // A guest that catches its own end runs on until its next checkpoint, and may still write: `done` was the last of its frames.
    if ('id' in message && !this.#invocations.has(message.id)) return;
    switch (message.kind) {
      case 'up':
      case 'prepared':
        break;
      case 'loaded':
        this.#loadedAs?.(message.error === null ? {} : { error: message.error });
        this.#loadedAs = null;
        this.#assign();
        break;
      case 'head':
        this.#say('head', message.id, message.head);
        break;
      case 'body':
        this.#sayBody(message.id, message.bytes);
        break;
      case 'log':
        this.#say('log', message.id, { stream: message.stream, text: message.text });
        break;
      case 'credit':
        this.#say('credit', message.id, { bytes: message.bytes });
        break;
      case 'done': {
        const invocation = this.#runningIn(slot);
        if (invocation !== undefined) this.#finish(invocation, message.done);
        break;
      }
      default:
        message satisfies never;
    }
  }

  #lost(slot: WorkerSlot, reason: string): void {
    const invocation = this.#runningIn(slot);
    this.#replace(slot);
    if (invocation !== undefined) this.#fail(invocation, 'guest-trapped', `the function ended its worker: ${reason}`);
  }

  /** Before the end of its invocation is told: a slot that has none would be given the next. */
  #replace(slot: WorkerSlot): void {
    // An agent that cannot have its workers is of no use: the host sees the channel end and starts another machine.
    slot.replace().catch((error: Error) => {
      process.stderr.write(`agent: a worker could not be replaced: ${error.message}\n`);
      process.exit(1);
    });
  }

  #fail(invocation: AgentInvocation, code: string, detail: string): void {
    this.#finish(invocation, { kind: 'failed', code, detail, runMs: invocation.ageMs });
  }

  #finish(invocation: AgentInvocation, done: DoneMessage): void {
    invocation.end();
    this.#invocations.delete(invocation.id);
    this.#say('done', invocation.id, done);
    this.#assign();
  }

  #runningIn(slot: WorkerSlot): AgentInvocation | undefined {
    for (const invocation of this.#invocations.values()) if (invocation.slot === slot) return invocation;
    return undefined;
  }

  /** By the disk when the bytes are many and a slot is free, else by the port. */
  #sayBody(id: number, bytes: Uint8Array): void {
    const placed = bytes.length < BULK_FROM_BYTES ? null : (this.#bulk?.place(bytes) ?? null);
    this.#port.write(placed === null ? encodeFrame('body', id, bytes) : encodeFrame('bulk', id, placed));
  }

  #say(kind: KindName, id: number, message: unknown): void {
    this.#port.write(encodeFrame(kind, id, encodeMessage(message)));
  }
}
