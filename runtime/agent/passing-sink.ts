import type { ByteSink } from '../wasi/index.ts';

/** A sink that tells how many bytes it took. */
export class PassingSink implements ByteSink {
  readonly #sink: ByteSink;
  readonly #passed: (bytes: number) => void;

  constructor(sink: ByteSink, passed: (bytes: number) => void) {
    this.#sink = sink;
    this.#passed = passed;
  }

  get capacity(): number {
    return this.#sink.capacity;
  }

  write(bytes: Uint8Array): void {
    this.#sink.write(bytes);
    this.#passed(bytes.length);
  }

  wait(): Promise<void> {
    return this.#sink.wait();
  }

  flush(): Promise<void> | undefined {
    return this.#sink.flush();
  }

  close(): void {
    this.#sink.close();
  }
}
