/** Lets any number of waiters sleep until something changed. It keeps nothing: who wakes looks for himself what is new. */
export class Bell {
  #next = Promise.withResolvers<void>();

  /** Wakes everyone who waits. */
  ring(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }

  /** Resolves at the next ring, or when `signal` fires. */
  async rung(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#next.promise;
    if (signal.aborted) return;
    const left = Promise.withResolvers<void>();
    const leave = () => left.resolve();
    signal.addEventListener('abort', leave, { once: true });
    await Promise.race([this.#next.promise, left.promise]);
    signal.removeEventListener('abort', leave);
  }
}
