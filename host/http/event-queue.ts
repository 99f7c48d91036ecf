/** Items kept for a reader that is slower than what happens; older ones give way. */
const CAPACITY = 256;

/** A bounded queue between something that calls and something that iterates. Ends with `end()`. */
export class EventQueue<T> implements AsyncIterable<T> {
  #items: { readonly key: string | null; readonly item: T }[] = [];
  #ended = false;
  #wake: () => void = () => {};

  /** Adds an item; one that waits under the same key is replaced, since only the newest state of a thing matters. */
  push(item: T, key: string | null = null): void {
    if (this.#ended) return;
    if (key !== null) this.#items = this.#items.filter((one) => one.key !== key);
    this.#items.push({ key, item });
    if (this.#items.length > CAPACITY) this.#items.shift();
    this.#wake();
  }

  /** No more items come; the reader gets those that wait, then the end. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const next = this.#items.shift();
      if (next !== undefined) yield next.item;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
