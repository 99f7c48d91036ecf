import { unlessAborted } from '../machine/index.ts';
import { type Clock, type Sandbox, systemClock } from '../sandbox/index.ts';

/** How long an empty sandbox is kept when nobody expects a version any more: who has just published one starts it a few turns later. */
const KEPT_MS = 5_000;

/** An empty sandbox that is started while a version is still on its way: one for all that are expected. */
export class EmptyAhead {
  readonly #start: (signal: AbortSignal) => Promise<Sandbox | null>;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #expected = 0;
  #made: Promise<Sandbox | null> | null = null;
  #cancelDrop: () => void = () => undefined;

  /** `start` gives null when there is none to be had now; it closes what it began when its signal aborts. */
  constructor(start: (signal: AbortSignal) => Promise<Sandbox | null>, clock: Clock = systemClock) {
    this.#start = start;
    this.#clock = clock;
  }

  /** A version will be started soon. Call what it gives when that is over, however it went. */
  readonly expect = (): (() => void) => {
    this.#expected += 1;
    this.#cancelDrop();
    // Whoever would need it starts its own, and is told what is wrong.
    if (!this.#closing.signal.aborted) this.#made ??= this.#start(this.#closing.signal).catch(() => null);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#expected -= 1;
      if (this.#expected === 0) this.#cancelDrop = this.#clock.after(KEPT_MS, () => void this.#drop());
    };
  };

  /** The empty sandbox, which is the caller's from now on; null when there is none. */
  async take(signal: AbortSignal): Promise<Sandbox | null> {
    const made = this.#made;
    this.#made = null;
    if (made === null) return null;
    try {
      const sandbox = await unlessAborted(made, signal);
      return sandbox === null || sandbox.state === 'closed' || sandbox.state === 'poisoned' ? null : sandbox;
    } catch (error) {
      void made.then((sandbox) => sandbox?.close());
      throw error;
    }
  }

  /** Ends what nobody took. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the source of sandboxes was closed'));
    this.#cancelDrop();
    await this.#drop();
  }

  async #drop(): Promise<void> {
    const made = this.#made;
    this.#made = null;
    const sandbox = await made;
    await sandbox?.close();
  }
}
