import { type KeyValueBackend, StoreFailure } from '../../../../runtime/wasi/index.ts';

interface Entry {
  readonly version: number;
  readonly value: Uint8Array;
}

/** The bucket "default" in memory, with pages of two keys; "denied" is one that may not be opened. Notes what it was asked. */
export class MemoryKeyValue implements KeyValueBackend {
  readonly entries = new Map<string, Entry>();
  readonly asked: string[] = [];
  /** The next question fails with it. */
  failure: unknown = null;
  /** The next question waits for it. */
  gate: Promise<void> | null = null;
  #changes = 0;

  async open(bucket: string): Promise<void> {
    await this.#ask('open');
    if (bucket === 'denied') throw new StoreFailure('access-denied', 'no');
    if (bucket !== 'default') throw new StoreFailure('no-such-store', `no ${bucket}`);
  }

  async get(_bucket: string, keys: readonly string[], mostBytes: number): Promise<(Uint8Array | undefined)[]> {
    await this.#ask('get');
    const values = keys.map((key) => this.entries.get(key)?.value);
    const bytes = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
    if (bytes > mostBytes) throw new StoreFailure('other', `more than ${mostBytes} bytes`);
    return values;
  }

  async set(_bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    await this.#ask('set');
    for (const [key, value] of entries) this.#put(key, value);
  }

  async delete(_bucket: string, keys: readonly string[]): Promise<void> {
    await this.#ask('delete');
    for (const key of keys) this.entries.delete(key);
  }

  async exists(_bucket: string, key: string): Promise<boolean> {
    await this.#ask('exists');
    return this.entries.has(key);
  }

  async keys(_bucket: string, cursor: number | null) {
    await this.#ask('keys');
    const all = [...this.entries.keys()];
    const from = cursor ?? 0;
    return { keys: all.slice(from, from + 2), cursor: from + 2 < all.length ? from + 2 : null };
  }

  async increment(_bucket: string, key: string, delta: bigint): Promise<bigint> {
    await this.#ask('increment');
    const sum = BigInt(new TextDecoder().decode(this.entries.get(key)?.value) || 0) + delta;
    this.#put(key, new TextEncoder().encode(String(sum)));
    return sum;
  }

  async look(_bucket: string, key: string) {
    await this.#ask('look');
    return this.entries.get(key) ?? { version: 0, value: undefined };
  }

  async swap(_bucket: string, key: string, version: number, value: Uint8Array): Promise<number | undefined> {
    await this.#ask('swap');
    const present = this.entries.get(key)?.version ?? 0;
    if (present !== version) return present;
    this.#put(key, value);
    return undefined;
  }

  async #ask(what: string): Promise<void> {
    this.asked.push(what);
    const [failure, gate] = [this.failure, this.gate];
    this.failure = this.gate = null;
    await gate;
    if (failure !== null) throw failure;
  }

  #put(key: string, value: Uint8Array): void {
    this.#changes += 1;
    this.entries.set(key, { version: this.#changes, value });
  }
}
