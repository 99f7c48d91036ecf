/** Bytes of a console that are kept: a guest writes as much as it likes. */
export const CONSOLE_BYTES = 256 * 1024;

/** What a console said: the end of it is kept, and whoever reads gets that and what follows. */
export class ConsoleLog implements AsyncIterable<Uint8Array> {
  #ring: Buffer | null = null;
  /** Bytes that came; the last `CONSOLE_BYTES` of them are in the ring, each at its remainder. */
  #end = 0;
  #isOver = false;
  readonly #waiting = new Set<() => void>();

  push(bytes: Uint8Array): void {
    this.#ring ??= Buffer.alloc(CONSOLE_BYTES);
    const kept = bytes.subarray(Math.max(0, bytes.length - CONSOLE_BYTES));
    const at = (this.#end + bytes.length - kept.length) % CONSOLE_BYTES;
    const first = Math.min(kept.length, CONSOLE_BYTES - at);
    this.#ring.set(kept.subarray(0, first), at);
    this.#ring.set(kept.subarray(first), 0);
    this.#end += bytes.length;
    this.#wake();
  }

  /** Nothing comes any more. */
  close(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** From the first byte that is kept, then what comes. A reader that is too slow is told how much it missed. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    let at = 0;
    let isLeft = false;
    let wake: (() => void) | null = null;
    return {
      next: async () => {
        while (!isLeft) {
          const missed = this.#end - CONSOLE_BYTES - at;
          if (missed > 0) {
            at += missed;
            return { done: false, value: Buffer.from(`[${missed} bytes are not kept]\n`) };
          }
          if (at < this.#end) {
            const from = at % CONSOLE_BYTES;
            const value = Buffer.from(this.#ring!.subarray(from, Math.min(CONSOLE_BYTES, from + this.#end - at)));
            at += value.length;
            return { done: false, value };
          }
          if (this.#isOver) break;
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(resolve);
          });
        }
        return { done: true, value: undefined };
      },
      return: async () => {
        isLeft = true;
        if (wake !== null) this.#waiting.delete(wake);
        wake?.();
        return { done: true, value: undefined };
      },
    };
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
