import type { ByteSink, WasiBackend } from './backend.ts';
import { cliInterfaces } from './cli/cli.ts';
import { clockInterfaces } from './clocks/clocks.ts';
import { Context } from './context.ts';
import { filesystemInterfaces } from './filesystem/filesystem.ts';
import { type HttpExchange, type HttpHead, openExchange } from './http/exchange.ts';
import { httpInterfaces } from './http/http.ts';
import type { IncomingHttp } from './http/incoming-request.ts';
import { IoError } from './io/error.ts';
import { InputStream } from './io/input-stream.ts';
import { OutputStream } from './io/output-stream.ts';
import { Pollable } from './io/pollable.ts';
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
  /** Ends timers, waits and exchanges, closes standard input and request bodies. What waits in the guest traps. Idempotent. */
  close(): void;
}

/** Makes the operating system of one instance from what it is given. Nothing is shared with other instances. */
export function createWasi(backend: WasiBackend): Wasi {
  const context = new Context(backend);
  const imports: Record<string, Record<string, unknown>> = {
    'wasi:io/error': { Error: IoError },
    'wasi:io/poll': { Pollable, poll: (pollables: readonly Pollable[]) => Pollable.poll(context, pollables) },
    'wasi:io/streams': { InputStream, OutputStream },
    ...cliInterfaces(context),
    ...clockInterfaces(context),
    ...randomInterfaces(context),
    ...filesystemInterfaces(context),
    ...httpInterfaces(context),
    ...socketInterfaces(context),
  };
  return {
    imports,
    get handles() {
      return context.handles;
    },
    incoming: (request, respond) => openExchange(context, request, respond),
    close() {
      context.close();
      backend.stdin.close();
    },
  };
}
