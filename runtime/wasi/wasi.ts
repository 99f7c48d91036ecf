import type { ByteSink, WasiBackend } from './backend.ts';
import { blobstoreInterfaces } from './blobstore/blobstore.ts';
import { cliInterfaces } from './cli/cli.ts';
import { clockInterfaces } from './clocks/clocks.ts';
import { configInterfaces } from './config/config.ts';
import { Context, ContextSeat } from './context.ts';
import { filesystemInterfaces } from './filesystem/filesystem.ts';
import { type HttpEnd, type HttpExchange, type HttpHead, openExchange } from './http/exchange.ts';
import { httpInterfaces } from './http/http.ts';
import type { IncomingHttp } from './http/incoming-request.ts';
import { IoError } from './io/error.ts';
import { InputStream } from './io/input-stream.ts';
import { OutputStream } from './io/output-stream.ts';
import { Pollable } from './io/pollable.ts';
import { keyValueInterfaces } from './keyvalue/keyvalue.ts';
import { loggingInterfaces } from './logging/logging.ts';
import { handleRequest } from './p3/http/transmit.ts';
import { randomInterfaces } from './random/random.ts';
import { socketInterfaces } from './sockets/sockets.ts';

/** The operating system of one instance of a component. */
export interface Wasi {
  /** What the glue's `instantiate` takes as imports: by interface without version, so that all of WASI 0.2 share one object. */
  readonly imports: Record<string, Record<string, unknown>>;
  /** Resources that the guest holds now. */
  readonly handles: number;
  /** Makes the arguments for the guest's `wasi:http/incoming-handler#handle`; see `openExchange`. */
  incoming(request: IncomingHttp, respond: (head: HttpHead) => ByteSink): HttpExchange;
  /**
   * Gives a request to the guest's `wasi:http/handler#handle` of WASI 0.3, and its answer to `respond`; resolves when that is complete.
   * Rejects with what the guest throws.
   */
  handle(
    handle: (request: unknown) => unknown,
    request: IncomingHttp,
    respond: (head: HttpHead) => ByteSink,
  ): Promise<HttpEnd>;
  /** Resolves when all that the guest has given to its output is written. */
  outputsWritten(): Promise<void>;
  /** Ends timers, waits and exchanges, closes standard input and request bodies. What waits in the guest traps. Idempotent. */
  close(): void;
}

/**
 * The operating system of an instance that serves one invocation after another: the imports stay as they are, and stay warm; whom they
 * work for changes. An instance that calls anything which depends on an invocation traps while there is none.
 */
export class RenewableWasi {
  readonly imports: Wasi['imports'];
  readonly #seat = new ContextSeat();

  /** `more` makes imports beside those of WASI 0.2, such as `p3Interfaces`. */
  constructor(more: (seat: ContextSeat) => Wasi['imports'] = () => ({})) {
    const seat = this.#seat;
    this.imports = {
      'wasi:io/error': { Error: IoError },
      'wasi:io/poll': { Pollable, poll: (pollables: readonly Pollable[]) => Pollable.poll(seat.context, pollables) },
      'wasi:io/streams': { InputStream, OutputStream },
      ...cliInterfaces(seat),
      ...clockInterfaces(seat),
      ...randomInterfaces(seat),
      ...filesystemInterfaces(seat),
      ...httpInterfaces(seat),
      ...socketInterfaces(seat),
      ...configInterfaces(seat),
      ...loggingInterfaces(seat),
      ...keyValueInterfaces(seat),
      ...blobstoreInterfaces(seat),
      ...more(seat),
    };
  }

  /** Whether the guest ever called for something that depends on an invocation while there was none. */
  get missed(): boolean {
    return this.#seat.missed;
  }

  /**
   * Lets the imports work for an invocation. Resources that were made for the one before stay with it. `goOn` is asked now and then while
   * they do much work, and throws when the guest shall end.
   */
  renew(backend: WasiBackend, goOn?: () => void): Wasi {
    const context = new Context(backend, goOn);
    this.#seat.context = context;
    return new WasiSession(this.imports, context);
  }

  /** Lets them work for nobody. */
  vacate(): void {
    this.#seat.context = null;
  }
}

/** What an invocation has of the operating system of its instance. */
class WasiSession implements Wasi {
  readonly imports: Wasi['imports'];
  readonly #context: Context;

  constructor(imports: Wasi['imports'], context: Context) {
    this.imports = imports;
    this.#context = context;
  }

  get handles(): number {
    return this.#context.handles;
  }

  incoming(request: IncomingHttp, respond: (head: HttpHead) => ByteSink): HttpExchange {
    return openExchange(this.#context, request, respond);
  }

  handle(
    handle: (request: unknown) => unknown,
    request: IncomingHttp,
    respond: (head: HttpHead) => ByteSink,
  ): Promise<HttpEnd> {
    return handleRequest(this.#context, handle, request, respond);
  }

  outputsWritten(): Promise<void> {
    return this.#context.outputsWritten();
  }

  close(): void {
    this.#context.close();
    this.#context.backend.stdin.close();
  }
}

/** Makes the operating system of one instance from what it is given. Nothing is shared with other instances. */
export function createWasi(backend: WasiBackend): Wasi {
  return new RenewableWasi().renew(backend);
}
