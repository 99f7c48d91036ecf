/**
 * What is under way, by key, in the order in which it began. A `Map` or `Set` in which things come and go makes a new table every few times, and each table that was
 * left keeps the next and all that it held from the collector of young objects: what a short invocation made would grow old with it.
 */
export class InFlight<K, V> {
  readonly #keys: K[] = [];
  readonly #values: V[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** What began first of all that is under way. */
  get first(): V | undefined {
    return this.#values[0];
  }

  has(key: K): boolean {
    return this.#keys.lastIndexOf(key) !== -1;
  }

  get(key: K): V | undefined {
    const at = this.#keys.lastIndexOf(key);
    return at === -1 ? undefined : this.#values[at];
  }

  /** A known key keeps its place. */
  set(key: K, value: V): void {
    const at = this.#keys.lastIndexOf(key);
    if (at !== -1) this.#values[at] = value;
    else {
      this.#keys.push(key);
      this.#values.push(value);
    }
  }

  /** Whether it was under way. Looks at the latest first: what began long ago and goes on is in nobody's way. */
  delete(key: K): boolean {
    const at = this.#keys.lastIndexOf(key);
    if (at === -1) return false;
    remove(this.#keys, at);
    remove(this.#values, at);
    return true;
  }

  clear(): void {
    this.#keys.length = 0;
    this.#values.length = 0;
  }

  /** A copy. */
  keys(): K[] {
    return this.#keys.slice();
  }

  /** A copy. */
  values(): V[] {
    return this.#values.slice();
  }
}

/** As `splice` does it, which makes an array of what it takes out. */
function remove(array: unknown[], at: number): void {
  for (let to = at; to < array.length - 1; to += 1) array[to] = array[to + 1];
  array.pop();
}
