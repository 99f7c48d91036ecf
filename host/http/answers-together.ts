/**
 * Answers that are ready. They leave one behind the other when all that became ready in the same turn is: each write wakes whoever asked, who would sleep again before the next is
 * ready, and waking costs the host as much as writing.
 */
export class AnswersTogether {
  #ready: (() => void)[] = [];
  readonly #leave = () => {
    const ready = this.#ready;
    this.#ready = [];
    for (const send of ready) send();
  };

  /** Has an answer sent; `send` throws nothing. */
  add(send: () => void): void {
    // Asked for in a microtask, a tick comes behind all microtasks of the turn.
    if (this.#ready.length === 0) process.nextTick(this.#leave);
    this.#ready.push(send);
  }
}
