import type { Call } from './channel/call.ts';
import type { Clock } from './clock.ts';

/** How long the first invocation of a clone may take until its agent is asked for a sign of life, milliseconds. */
const ASK_MS = 1_000;

/** How long the agent may take to answer then, milliseconds: a hundred times what it takes. */
export const ANSWER_MS = 15_000;

/** What it takes to hear of an agent. */
export interface FirstWordParts {
  readonly clock: Clock;
  /** Resolves when the agent's serving thread has answered. */
  readonly ping: () => Promise<void>;
  /** Called once when it did not answer in time. */
  readonly silent: (reason: string) => void;
}

/**
 * Whether the agent of a sandbox lives. One that was sent its load answered that; of a clone that came with it the end of its first invocation says so, and
 * it is asked only where that does not come: the thread that answers does nothing else for an invocation that goes well, and an emulator would translate it for the question alone.
 */
export class FirstWord {
  /** Resolves to whether anything was heard before the sandbox was lost; never when it was closed before. */
  readonly heard: Promise<boolean>;
  readonly #parts: FirstWordParts;
  readonly #heard = Promise.withResolvers<boolean>();
  #stop: (() => void) | null = null;
  #isOver = false;

  constructor(parts: FirstWordParts) {
    this.#parts = parts;
    this.heard = this.#heard.promise;
  }

  /** An invocation has begun; only the first is waited for. */
  watch(call: Pick<Call, 'whenConfirmed'>): void {
    if (this.#isOver || this.#stop !== null) return;
    this.#stop = this.#parts.clock.after(ASK_MS, () => this.#ask());
    call.whenConfirmed(() => this.settle(true));
  }

  /** It was heard, or will not be. What comes first counts. */
  settle(heard: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop?.();
    this.#heard.resolve(heard);
  }

  #ask(): void {
    const { clock, ping, silent } = this.#parts;
    this.#stop = clock.after(ANSWER_MS, () => {
      if (!this.#isOver) silent(`the agent did not answer within ${ANSWER_MS} ms`);
    });
    ping().then(
      () => this.settle(true),
      () => {}, // The sandbox is lost, and says so itself.
    );
  }
}
