import type { InvokeMessage } from './wire.ts';
import type { Interrupt, ToWorker } from './worker-message.ts';
import type { WorkerSlot } from './worker-slot.ts';

/** Longest delay that `setTimeout` keeps; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** One invocation as the serving thread sees it: its deadline, its worker, and what came for it before it had one. */
export class AgentInvocation {
  readonly id: number;
  readonly deadlineMs: number;
  readonly #message: InvokeMessage;
  readonly #startedAt = performance.now();
  readonly #early: ToWorker[] = [];
  #slot: WorkerSlot | null = null;
  #timer: NodeJS.Timeout;
  #interrupted = false;

  /** `expire` is called at the deadline, which counts from now. */
  constructor(id: number, message: InvokeMessage, expire: () => void) {
    this.id = id;
    this.deadlineMs = message.deadlineMs;
    this.#message = message;
    this.#timer = setTimeout(expire, Math.min(message.deadlineMs, MAX_TIMEOUT_MS));
  }

  /** The worker that runs it, or null while it waits for one. */
  get slot(): WorkerSlot | null {
    return this.#slot;
  }

  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Gives it a worker, and the worker what has come so far. */
  begin(slot: WorkerSlot): void {
    this.#slot = slot;
    slot.invoke({ kind: 'invoke', id: this.id, message: this.#message, remainingMs: this.deadlineMs - this.ageMs });
    for (const message of this.#early.splice(0)) slot.post(message);
  }

  /** Passes on a message, or keeps it until there is a worker; credit bounds how much that can be. */
  tell(message: ToWorker): void {
    if (this.#slot === null) this.#early.push(message);
    else this.#slot.post(message);
  }

  /** Interrupts its guest, once; false when it already was. */
  interrupt(why: Interrupt): boolean {
    if (this.#interrupted) return false;
    this.#interrupted = true;
    this.#slot?.interrupt(this.id, why);
    return true;
  }

  /** Calls `callback` after `ms` unless the invocation ends before; replaces the deadline. */
  after(ms: number, callback: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(callback, ms);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#slot = null;
  }
}
