/** What a start is expected to cost when no sandbox of its version was measured yet, bytes. */
const UNKNOWN_BYTES = 32 * 1024 * 1024;

/** Adds up what sandboxes cost in private memory, as measured; of one that is not measured yet, what the version's last one did. */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #measured = new Map<string, number>();
  readonly #held = new Map<object, number>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** What all that is held costs, bytes. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** What a start of a version is expected to cost, bytes. */
  estimate(version: string): number {
    return this.#measured.get(version) ?? UNKNOWN_BYTES;
  }

  /** Bytes by which one more sandbox of a version would go beyond the limit; 0 or less when it fits. */
  excess(version: string): number {
    return this.#usedBytes + this.estimate(version) - this.limitBytes;
  }

  /** Counts `holder`, a start or a sandbox, at its version's estimate until it is measured. */
  hold(holder: object, version: string): void {
    this.#set(holder, this.estimate(version));
  }

  /** Takes note of a measurement; one of a holder that is gone teaches the estimate only. */
  measure(holder: object, version: string, bytes: number): void {
    this.#measured.set(version, bytes);
    if (this.#held.has(holder)) this.#set(holder, bytes);
  }

  /** What a holder costs, bytes. */
  bytesOf(holder: object): number {
    return this.#held.get(holder) ?? 0;
  }

  /** The holder is gone. */
  release(holder: object): void {
    this.#usedBytes -= this.bytesOf(holder);
    this.#held.delete(holder);
  }

  /** Nothing of this version will be started again. */
  forget(version: string): void {
    this.#measured.delete(version);
  }

  #set(holder: object, bytes: number): void {
    this.#usedBytes += bytes - this.bytesOf(holder);
    this.#held.set(holder, bytes);
  }
}
