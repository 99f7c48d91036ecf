/**
 * The way from an agent's `Outside` to a host's services within one process: what the channel does, without a channel.
 */
import { type Outside, type OutsideCall, OutsideError } from '../../runtime/agent/outside/outside.ts';
import { OutsideRefusal, type OutsideServices } from '../../runtime/outside/outside-service.ts';
import { type ByteSink, type ByteSource, StreamFailure } from '../../runtime/wasi/index.ts';

/** An `Outside` whose asks go straight to services; `open` counts those that are not over. */
export interface DirectOutside extends Outside {
  readonly open: number;
  /** What was asked, in order. */
  readonly asked: readonly (readonly [service: string, args: unknown])[];
}

/** Makes a `DirectOutside` with pipes of `window` bytes. */
export function directOutside(services: OutsideServices, window = 65_536): DirectOutside {
  const asked: [string, unknown][] = [];
  const outside = {
    open: 0,
    asked,
    ask(service: string, args: unknown): OutsideCall {
      asked.push([service, structuredClone(args)]);
      const [up, down] = [new BytePipe(window), new BytePipe(window)];
      const controller = new AbortController();
      const answer = Promise.withResolvers<unknown>();
      const end = Promise.withResolvers<unknown>();
      for (const each of [answer, end]) each.promise.catch(() => {});
      let over = false;
      outside.open += 1;
      const finish = () => {
        if (over) return;
        over = true;
        outside.open -= 1;
        up.abandon();
      };
      const fail = (error: unknown) => {
        const code = error instanceof OutsideRefusal ? error.code : 'internal';
        const told = new OutsideError(code, (error as Error).message);
        answer.reject(told);
        end.reject(told);
        down.fail(told.message);
        finish();
      };
      const run = async () => {
        const known = services[service];
        if (known === undefined) throw new OutsideRefusal('refused', `there is no service ${service}`);
        let reads = false;
        const request = {
          args: structuredClone(args),
          get source() {
            reads = true;
            return up.reader;
          },
          sink: down,
          signal: controller.signal,
        };
        const said = await known(request);
        answer.resolve(structuredClone(said.value));
        const last = structuredClone(await said.end);
        down.close();
        // Over is what was asked only when the service has seen the last of what it reads.
        if (reads) await up.done;
        end.resolve(last);
        finish();
      };
      run().catch(fail);
      return {
        answer: answer.promise,
        end: end.promise,
        sink: up,
        source: down.reader,
        forget() {
          if (over) return;
          fail(new OutsideRefusal('forgotten', 'it is not wanted any more'));
          controller.abort();
        },
      };
    },
  };
  return outside;
}

/** Bytes from one side to the other, within a window. */
class BytePipe implements ByteSink {
  readonly #window: number;
  #held: Uint8Array[] = [];
  #bytes = 0;
  #closed = false;
  #abandoned = false;
  #failure: string | null = null;
  readonly #seen = Promise.withResolvers<void>();
  #wake: (() => void)[] = [];

  constructor(window: number) {
    this.#window = window;
  }

  get capacity(): number {
    if (this.#closed || this.#abandoned) throw new StreamFailure('nobody takes more bytes');
    return this.#window - this.#bytes;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > this.capacity)
      throw new Error(`wrote ${bytes.length} bytes where ${this.capacity} were allowed`);
    this.#held.push(bytes.slice());
    this.#bytes += bytes.length;
    this.#change();
  }

  get ready(): boolean {
    return this.#held.length > 0 || this.#closed || this.#abandoned || this.#failure !== null;
  }

  read(max: number): Uint8Array | null {
    const first = this.#held[0];
    if (first === undefined) {
      if (this.#failure !== null) throw new StreamFailure(this.#failure);
      if (!this.#closed && !this.#abandoned) return new Uint8Array(0);
      this.#seen.resolve();
      return null;
    }
    const taken = first.subarray(0, max);
    if (taken.length === first.length) this.#held.shift();
    else this.#held[0] = first.subarray(max);
    this.#bytes -= taken.length;
    this.#change();
    return taken;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  flush(): undefined {
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#change();
  }

  /** The reader has seen the end, or wants no more. */
  get done(): Promise<void> {
    return this.#seen.promise;
  }

  /** The reader's side: to close it is to want no more. */
  get reader(): ByteSource {
    const pipe = this;
    return {
      get ready() {
        return pipe.ready;
      },
      read: (max) => this.read(max),
      wait: () => this.wait(),
      close: () => {
        this.#held = [];
        this.#bytes = 0;
        this.#seen.resolve();
        this.abandon();
      },
    };
  }

  /** Nobody reads any more. */
  abandon(): void {
    this.#abandoned = true;
    this.#change();
  }

  fail(message: string): void {
    this.#failure = message;
    this.abandon();
  }

  #change(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
