import type { ByteSink, ByteSource, WasiBackend, WasiClock } from '../../../runtime/wasi/index.ts';
import { DEFAULT_LIMITS, discardSink, emptySource, systemClock, webRandom } from '../../../runtime/wasi/index.ts';

/** A backend that grants nothing, but what a test says. */
export function backend(given: Partial<WasiBackend> = {}): WasiBackend {
  return {
    environment: [],
    arguments: [],
    configuration: [],
    stdin: emptySource,
    stdout: discardSink,
    stderr: discardSink,
    log: () => {},
    clock: systemClock,
    random: webRandom,
    files: null,
    keyValue: null,
    blobs: null,
    httpClient: null,
    network: null,
    limits: DEFAULT_LIMITS,
    ...given,
  };
}

/** A clock that stands still until it is told. */
export class ManualClock implements WasiClock {
  ns = 0n;
  readonly #timers = new Set<{ readonly at: bigint; readonly fire: () => void }>();

  wallMs(): number {
    return Number(this.ns / 1_000_000n);
  }

  monotonicNs(): bigint {
    return this.ns;
  }

  timer(ns: bigint, fire: () => void): () => void {
    const timer = { at: this.ns + ns, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get armed(): number {
    return this.#timers.size;
  }

  advance(ns: bigint): void {
    this.ns += ns;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.ns) continue;
      this.#timers.delete(timer);
      timer.fire();
    }
  }
}

/** A source that gives what the test pushes. */
export class PushSource implements ByteSource {
  #chunks: (Uint8Array | Error | null)[] = [];
  #wake: (() => void)[] = [];
  closed = false;
  /** Calls of `wait` that have not come back. */
  waits = 0;

  push(chunk: string | Error | null): void {
    this.#chunks.push(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
    for (const wake of this.#wake.splice(0)) wake();
  }

  get ready(): boolean {
    return this.#chunks.length > 0;
  }

  read(max: number): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) return new Uint8Array(0);
    if (first === null) return null;
    if (first instanceof Error) throw first;
    if (first.length <= max) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(max);
    return first.subarray(0, max);
  }

  async wait(): Promise<void> {
    this.waits += 1;
    if (!this.ready) await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.waits -= 1;
  }

  close(): void {
    this.closed = true;
  }
}

/** A sink that holds at most a window of bytes until the test drains it. */
export class WindowSink implements ByteSink {
  readonly window: number;
  held = 0;
  most = 0;
  failure: Error | null = null;
  flushing: PromiseWithResolvers<void> | null = null;
  closed = false;
  text = '';
  #wake: (() => void)[] = [];

  constructor(window: number) {
    this.window = window;
  }

  get capacity(): number {
    if (this.failure !== null) throw this.failure;
    return this.window - this.held;
  }

  write(bytes: Uint8Array): void {
    if (this.failure !== null) throw this.failure;
    this.text += new TextDecoder('latin1').decode(bytes);
    this.held += bytes.length;
    this.most = Math.max(this.most, this.held);
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  flush(): Promise<void> | undefined {
    return this.flushing?.promise;
  }

  close(): void {
    this.closed = true;
  }

  /** Lets go of bytes that it holds. */
  drain(count = this.held): void {
    this.held -= Math.min(count, this.held);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** What a call throws. Fails when it throws nothing. */
export function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
