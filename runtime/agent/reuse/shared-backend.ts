import type { ByteSink, ByteSource, LogLevel, WasiBackend, WasiClock } from '../../wasi/index.ts';

/**
 * What an instance that serves several invocations is given: one operating system, which works on behalf of the invocation that began last
 * of those that run. Its files are those of the first.
 */
export class SharedBackend implements WasiBackend {
  readonly files: WasiBackend['files'];
  readonly limits: WasiBackend['limits'];
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly clock: WasiClock;
  readonly #running: WasiBackend[];
  #latest: WasiBackend;

  constructor(first: WasiBackend) {
    this.#latest = first;
    this.#running = [first];
    this.files = first.files;
    this.limits = first.limits;
    this.stdin = first.stdin;
    this.stdout = new LatestSink(() => this.#latest.stdout);
    this.stderr = new LatestSink(() => this.#latest.stderr);
    const { monotonicNs, timer } = first.clock;
    this.clock = { monotonicNs, timer, wallMs: () => this.#latest.clock.wallMs() };
  }

  get environment(): WasiBackend['environment'] {
    return this.#latest.environment;
  }

  get arguments(): readonly string[] {
    return this.#latest.arguments;
  }

  get configuration(): WasiBackend['configuration'] {
    return this.#latest.configuration;
  }

  get httpClient(): WasiBackend['httpClient'] {
    return this.#latest.httpClient;
  }

  get use(): WasiBackend['use'] {
    return this.#latest.use;
  }

  get keyValue(): WasiBackend['keyValue'] {
    return this.#latest.keyValue;
  }

  get blobs(): WasiBackend['blobs'] {
    return this.#latest.blobs;
  }

  get network(): WasiBackend['network'] {
    return this.#latest.network;
  }

  random(bytes: Uint8Array): void {
    this.#latest.random(bytes);
  }

  log(level: LogLevel, context: string, message: string): void {
    this.#latest.log(level, context, message);
  }

  /** Another invocation begins. */
  enter(backend: WasiBackend): void {
    this.#running.push(backend);
    this.#latest = backend;
  }

  /** An invocation is over. The last one stays until another begins. */
  leave(backend: WasiBackend): void {
    const at = this.#running.indexOf(backend);
    if (at !== -1) this.#running.splice(at, 1);
    this.#latest = this.#running.at(-1) ?? backend;
  }
}

/** The sink of whoever is the latest. */
class LatestSink implements ByteSink {
  readonly #latest: () => ByteSink;

  constructor(latest: () => ByteSink) {
    this.#latest = latest;
  }

  get capacity(): number {
    return this.#latest().capacity;
  }

  write(bytes: Uint8Array): void {
    this.#latest().write(bytes);
  }

  wait(): Promise<void> {
    return this.#latest().wait();
  }

  flush(): Promise<void> | undefined {
    return this.#latest().flush();
  }

  close(): void {}
}
