import type { LateContent } from '../../sandbox/index.ts';

/** One file of a package on its way: read when its turn comes, or at once when a guest waits for it. */
export class ArrivingFile implements LateContent {
  readonly length: number;
  readonly whenHere: Promise<Uint8Array>;
  readonly #read: (urgent: boolean) => Promise<Uint8Array>;
  readonly #settled = Promise.withResolvers<Uint8Array>();
  #here: Uint8Array | null = null;
  #isAsked = false;
  #isWanted = false;

  /** `read` gives its verified bytes; `urgent`: a guest waits for them. */
  constructor(length: number, read: (urgent: boolean) => Promise<Uint8Array>) {
    this.length = length;
    this.#read = read;
    this.whenHere = this.#settled.promise;
    this.whenHere.catch(() => {}); // Whoever waits for it hears of it; there may be nobody.
  }

  get here(): Uint8Array | null {
    return this.#here;
  }

  want(): void {
    if (this.#isWanted || this.#here !== null) return;
    this.#isWanted = true;
    void this.#take(true);
  }

  /** Has it come in its turn; resolves when it is here. Rejects, once for all, when it does not come. */
  async come(): Promise<void> {
    if (!this.#isAsked && !this.#isWanted) {
      this.#isAsked = true;
      await this.#take(false);
    }
    await this.whenHere;
  }

  /** It does not come any more. */
  fail(error: unknown): void {
    this.#settled.reject(error);
  }

  async #take(urgent: boolean): Promise<void> {
    try {
      const bytes = await this.#read(urgent);
      this.#here ??= bytes;
      this.#settled.resolve(this.#here);
    } catch (error) {
      this.#settled.reject(error);
    }
  }
}
