import { hasReached, INTERRUPTS, type Interrupt } from './wire.ts';

const ID = 0;
const WHY = 1;
const FINISHED = 2;
const BEGUN = 3;
const CLOSED = 4;
/** What was begun last when something was taken back, and the last that was: nothing between them begins. */
const KEPT = 5;
const RECALLED = 6;

/**
 * Memory that the serving thread shares with one worker: which invocation it shall end, which it began and finished last. Named by id,
 * because an interruption may come after its invocation, when the worker has the next already.
 */
export class InterruptCell {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(28)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** Asks for the end of an invocation. By the serving thread. */
  interrupt(id: number, why: Interrupt): void {
    Atomics.store(this.#cells, WHY, INTERRUPTS.indexOf(why) + 1);
    Atomics.store(this.#cells, ID, id | 0);
  }

  /** The invocation that was asked to end last, as a signed number; 0 when none was. */
  get interruptedId(): number {
    return Atomics.load(this.#cells, ID);
  }

  get why(): Interrupt {
    return INTERRUPTS[Atomics.load(this.#cells, WHY) - 1] ?? 'client-closed';
  }

  /** The invocation is over; before its end is told. By the worker. */
  finish(id: number): void {
    Atomics.store(this.#cells, FINISHED, id | 0);
  }

  /** The invocation that was finished last; 0 when none was. */
  get finishedId(): number {
    return Atomics.load(this.#cells, FINISHED) >>> 0;
  }

  /**
   * The invocation begins; by the worker. While the cell is closed it does not, and the worker waits here for its end. Noted before it is
   * looked: then either the serving thread sees that it began, or it did not. False when it was taken back, and must not run.
   */
  begin(id: number): boolean {
    Atomics.store(this.#cells, BEGUN, id | 0);
    this.pass();
    // In this order: who sees the new end of what was taken back sees its new beginning, too.
    const recalled = Atomics.load(this.#cells, RECALLED);
    const kept = Atomics.load(this.#cells, KEPT);
    if (recalled === kept) return true;
    if (hasReached(recalled >>> 0, id)) return hasReached(kept >>> 0, id);
    // It is past all that: forgotten, or ids that begin again would meet it. Not what the serving thread says just now.
    Atomics.compareExchange(this.#cells, RECALLED, recalled, kept);
    return true;
  }

  /** The invocation that was begun last, or was about to be; 0 when none was. */
  get begunId(): number {
    return Atomics.load(this.#cells, BEGUN) >>> 0;
  }

  /** Nothing more begins, and no end is told where one runs at a time. By the serving thread. */
  close(): void {
    Atomics.store(this.#cells, CLOSED, 1);
  }

  /** What waited goes on. */
  open(): void {
    Atomics.store(this.#cells, CLOSED, 0);
    Atomics.notify(this.#cells, CLOSED);
  }

  /** Nothing up to this invocation begins that has not: gives the last that did, or was about to. By the serving thread. */
  recall(last: number): number {
    this.close();
    const [before, kept] = [Atomics.load(this.#cells, RECALLED) >>> 0, Atomics.load(this.#cells, KEPT) >>> 0];
    const { begunId } = this;
    // What was taken back before is looked at by its worker, and passed over.
    const isPassed = before !== kept && hasReached(before, begunId) && !hasReached(kept, begunId);
    const begun = isPassed ? kept : begunId;
    Atomics.store(this.#cells, KEPT, begun | 0);
    Atomics.store(this.#cells, RECALLED, last | 0);
    this.open();
    return begun;
  }

  /**
   * Waits while the cell is closed, after `before`; by the worker, when it has noted what it is about to do: then either the serving thread sees that, or it is not
   * done before the cell is open, or ever.
   */
  pass(before: () => void = () => undefined): void {
    if (Atomics.load(this.#cells, CLOSED) === 1) before();
    while (Atomics.load(this.#cells, CLOSED) === 1) Atomics.wait(this.#cells, CLOSED, 1);
  }

  /** Whether this invocation, or a later one, was finished. */
  isOver(id: number): boolean {
    return hasReached(this.finishedId, id);
  }

  /** Forgets all: a clone of this agent counts its invocations from 1 again. Only while the worker is idle. */
  reset(): void {
    for (let at = 0; at < this.#cells.length; at += 1) Atomics.store(this.#cells, at, 0);
  }
}
