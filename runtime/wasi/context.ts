import type { WasiBackend } from './backend.ts';
import { GuestTrap } from './guest-end.ts';

/** Something that becomes ready. */
export interface Readiness {
  readonly ready: boolean;
  /** Calls `wake` once when `ready` may have become true. Gives a function that forgets the call. */
  listen(wake: () => void): () => void;
}

/** Where the imports of an instance find whom they work for: one context after another, when the instance serves again. */
export class ContextSeat {
  #context: Context | null = null;
  #missed = false;

  /** Traps while there is none: then nobody has called the guest. */
  get context(): Context {
    if (this.#context !== null) return this.#context;
    this.#missed = true;
    throw new GuestTrap('the guest called the host outside of an invocation');
  }

  /** Whether the guest ever called while there was none. It may have caught the trap. */
  get missed(): boolean {
    return this.#missed;
  }

  set context(context: Context | null) {
    this.#context = context;
  }
}

/** How long a guest may poll things that are ready before the event loop gets a turn, in nanoseconds. */
const TURN_NS = 10_000_000n;

/**
 * Bytes that the host handles for a guest before it asks whether that may go on: a guest pays fuel for its own instructions, and one that
 * has the host draw a mebibyte of random bytes in each round of a loop comes to its next checkpoint after minutes.
 */
const WORK_BYTES = 4 * 1024 * 1024;

/** What the resources of one instance share: backend, count of handles, who waits, and the end of it all. */
export class Context {
  readonly backend: WasiBackend;
  #handles = 0;
  #heldBytes = 0;
  #closed = false;
  #outputs = 0;
  #outputsDone: (() => void) | null = null;
  /** Until when the guest may poll; null before it first does: most never do, and to look at the clock costs as much as a small call of the host. */
  #turnEndNs: bigint | null = null;
  #workBytes = 0;
  readonly #goOn: () => void;
  /** One that is to be called, and the others: most contexts have no more than one. */
  #firstOnClose: (() => void) | null = null;
  #onClose: Set<() => void> | null = null;

  /** `goOn` is asked now and then while the host works for the guest; it throws when that may not go on. */
  constructor(backend: WasiBackend, goOn: () => void = () => {}) {
    this.backend = backend;
    this.#goOn = goOn;
  }

  /** Resources that the guest holds. */
  get handles(): number {
    return this.#handles;
  }

  /** Counts a resource that is about to be given to the guest. Traps when it holds too many. */
  retain(): void {
    if (this.#handles >= this.backend.limits.handles) {
      throw new GuestTrap(`the guest holds ${this.#handles} resources, which is the limit`, 'handles');
    }
    this.#handles += 1;
  }

  /** Counts a resource that the guest gave back. Each resource calls it once. */
  release(): void {
    this.#handles -= 1;
  }

  /** Counts bytes that a resource keeps from now on; ends the guest when all keep too many together. */
  hold(bytes: number): void {
    const { heldBytes } = this.backend.limits;
    if (this.#heldBytes + bytes > heldBytes) {
      throw new GuestTrap(
        `the guest's header fields and bodies hold more than ${heldBytes} bytes, which is the limit`,
        'heldBytes',
      );
    }
    this.#heldBytes += bytes;
  }

  /** A resource keeps so many bytes no more. */
  letGo(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Counts what the host has done for the guest in one call, in bytes. */
  worked(bytes: number): void {
    this.#workBytes += bytes;
    if (this.#workBytes < WORK_BYTES) return;
    this.#workBytes = 0;
    this.#goOn();
  }

  /** Resolves when at least one of the things is ready. Rejects when the instance is closed while it waits. */
  async untilAny(things: readonly Readiness[]): Promise<void> {
    while (!things.some((thing) => thing.ready)) await this.#wakened(things);
    this.#turnEndNs = this.backend.clock.monotonicNs() + TURN_NS;
  }

  /** Whether the guest has run so long without waiting that the event loop must get a turn: else what it polls for never arrives. */
  get owesTurn(): boolean {
    const now = this.backend.clock.monotonicNs();
    this.#turnEndNs ??= now + TURN_NS;
    return now > this.#turnEndNs;
  }

  /** Gives the event loop a turn. */
  async takeTurn(): Promise<void> {
    await this.#wakened([{ ready: false, listen: (wake) => this.backend.clock.timer(0n, wake) }]);
    this.#turnEndNs = this.backend.clock.monotonicNs() + TURN_NS;
  }

  /** Bytes that the guest has given are about to be written. Gives a function that says that they are. */
  beginOutput(): () => void {
    this.#outputs += 1;
    return () => {
      this.#outputs -= 1;
      if (this.#outputs > 0) return;
      this.#outputsDone?.();
      this.#outputsDone = null;
    };
  }

  /** Resolves when all that the guest has given is written; after a turn, in which it is still on its way here. */
  async outputsWritten(): Promise<void> {
    await this.takeTurn();
    if (this.#outputs === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#outputsDone = resolve;
      this.atClose(() => reject(new GuestTrap('the instance was closed before its output was written')));
    });
  }

  /** Calls `end` when the instance is closed. Gives a function that forgets it. */
  atClose(end: () => void): () => void {
    if (this.#firstOnClose === null) {
      this.#firstOnClose = end;
      return () => {
        if (this.#firstOnClose === end) this.#firstOnClose = null;
      };
    }
    this.#onClose ??= new Set();
    this.#onClose.add(end);
    return () => this.#onClose?.delete(end);
  }

  /** Ends all waiting. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const [first, others] = [this.#firstOnClose, this.#onClose];
    this.#firstOnClose = this.#onClose = null;
    first?.();
    if (others !== null) for (const end of [...others]) end();
  }

  #wakened(things: readonly Readiness[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new GuestTrap('the instance was closed'));
      const forget: (() => void)[] = [];
      const settle = (then: () => void) => {
        for (const each of forget) each();
        then();
      };
      forget.push(
        this.atClose(() => settle(() => reject(new GuestTrap('the instance was closed while the guest waited')))),
      );
      for (const thing of things) forget.push(thing.listen(() => settle(resolve)));
    });
  }
}
