import { decodeMessage, encodeMessage } from '../../runtime/agent/message-codec.ts';
import { type Outside, type OutsideCall, OutsideError } from '../../runtime/agent/outside/outside.ts';
import { OutsideRefusal, type OutsideServices } from '../../runtime/outside/outside-service.ts';
import { Pipe } from './pipe.ts';

/** Longest arguments and answers of the real way. */
const MESSAGE_BYTES = 64 * 1024;

/** What a guest asks goes straight to the services of its host, in one process, with the bounds of the real way. */
export class DirectOutside implements Outside {
  readonly #services: OutsideServices;
  readonly #open = new Set<DirectCall>();
  /** What was asked, by name. */
  readonly asked: string[] = [];
  /** Errors of services that are no refusals. */
  readonly failures: unknown[] = [];

  constructor(services: OutsideServices) {
    this.#services = services;
  }

  /** Calls that are not over. */
  get open(): number {
    return this.#open.size;
  }

  ask(service: string, args: unknown): OutsideCall {
    this.asked.push(service);
    const call = new DirectCall(
      () => this.#open.delete(call),
      (error) => this.failures.push(error),
    );
    this.#open.add(call);
    void call.serve(this.#services, service, args);
    return call;
  }

  /** The invocation ends. */
  close(): void {
    for (const call of [...this.#open]) call.forget();
  }
}

class DirectCall implements OutsideCall {
  readonly #up = new Pipe();
  readonly #down = new Pipe();
  readonly #answer = Promise.withResolvers<unknown>();
  readonly #end = Promise.withResolvers<unknown>();
  readonly #abort = new AbortController();
  readonly #over: () => void;
  readonly #failed: (error: unknown) => void;
  #isOver = false;

  constructor(over: () => void, failed: (error: unknown) => void) {
    this.#over = over;
    this.#failed = failed;
    this.#answer.promise.catch(() => {});
    this.#end.promise.catch(() => {});
  }

  get answer(): Promise<unknown> {
    return this.#answer.promise;
  }

  get end(): Promise<unknown> {
    return this.#end.promise;
  }

  get sink() {
    return this.#up.sink;
  }

  get source() {
    return this.#down.source;
  }

  forget(): void {
    this.#fail('forgotten', 'it is not wanted any more');
  }

  async serve(services: OutsideServices, service: string, args: unknown): Promise<void> {
    try {
      const found = services[service];
      if (found === undefined) throw new OutsideRefusal('refused', `the function was not granted "${service}"`);
      const { value, end } = await found({
        args: carried(args),
        source: this.#up.source,
        sink: this.#down.sink,
        signal: this.#abort.signal,
      });
      end?.catch(() => {});
      this.#answer.resolve(carried(value));
      this.#end.resolve(carried((await end) ?? null));
      // Bytes that are still on their way to the guest come through.
      if (!this.#down.ended) this.#down.sink.close();
      this.#conclude();
    } catch (error) {
      if (this.#isOver) return;
      if (!(error instanceof OutsideRefusal)) this.#failed(error);
      const [code, detail] = error instanceof OutsideRefusal ? [error.code, error.message] : ['internal', 'it failed'];
      this.#fail(code, detail);
    }
  }

  #fail(code: string, detail: string): void {
    if (this.#isOver) return;
    const error = new OutsideError(code, detail);
    this.#answer.reject(error);
    this.#end.reject(error);
    this.#down.fail(detail);
    this.#conclude();
    this.#abort.abort(error);
  }

  #conclude(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#up.fail('it is over');
    this.#over();
  }
}

/** A value as it comes out at the other side. */
function carried(value: unknown): unknown {
  const bytes = encodeMessage({ value });
  if (bytes.length > MESSAGE_BYTES)
    throw new Error(`expected a message of at most ${MESSAGE_BYTES} bytes, got ${bytes.length}`);
  return (decodeMessage(bytes) as { value: unknown }).value;
}
