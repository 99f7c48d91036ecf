import { readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/value/index.ts';
import {
  type ByteSink,
  GuestExit,
  type HttpEnd,
  type HttpErrorCode,
  type HttpHead,
  type IncomingHttp,
  type Wasi,
} from '../wasi/index.ts';
import type { CreditedSink } from './credited-sink.ts';
import type { CreditedSource } from './credited-source.ts';
import { GuestFailure } from './guest-failure.ts';
import type { DoneMessage, InvokeRequest, LoadMessage } from './wire.ts';

type HttpRequest = Extract<InvokeRequest, { door: 'http' }>;

/** What a good end says. */
export type Success = Pick<Extract<DoneMessage, { kind: 'ok' }>, 'exitCode' | 'trailers'>;

/** A typed error: the glue throws it for the `err` of a `result`. */
interface TypedError {
  readonly payload: unknown;
}

/** Calls a typed export with the decoded input and writes the encoded result. */
export async function serveCall(
  exports: unknown,
  load: LoadMessage,
  target: string,
  input: CreditedSource,
  output: CreditedSink,
): Promise<Success> {
  const called = load.functions.find((each) => each.name === target);
  if (called === undefined)
    throw new GuestFailure('export-unknown', `the component has no export ${JSON.stringify(target)}`);
  const bytes = await input.readAll(load.valueBytes);
  if (bytes === null)
    throw new GuestFailure('argument-invalid', `expected arguments of at most ${load.valueBytes} bytes`);
  const result = writeBindingValue(
    await callTyped(functionAt(exports, called.path), argumentsOf(bytes), called.fallible),
  );
  if (result.length > load.valueBytes) {
    throw new GuestFailure(
      'result-too-large',
      `the result has ${result.length} bytes encoded; the limit is ${load.valueBytes}`,
    );
  }
  await output.writeAll(result);
  return { exitCode: 0 };
}

/** Runs `wasi:cli/run`. Resolves with the exit status, whether the guest returned or exited. */
export async function serveRun(exports: unknown, load: LoadMessage, wasi: Wasi): Promise<Success> {
  if (load.run === null)
    throw new GuestFailure('door-mismatch', 'the component is no command: it does not export wasi:cli/run');
  const exitCode = await statusOf(functionAt(exports, load.run));
  // Only streams of WASI 0.3 may still be under way.
  if (load.reuse !== null) await wasi.outputsWritten();
  return { exitCode };
}

async function statusOf(run: () => unknown): Promise<number> {
  try {
    await run();
    return 0;
  } catch (thrown) {
    if (isTypedError(thrown)) return 1;
    if (thrown instanceof GuestExit) return thrown.exitCode;
    throw thrown;
  }
}

/** Gives a request to the component's `wasi:http` handler. Resolves with the trailers when the answer is complete. */
export async function serveHttp(
  exports: unknown,
  load: LoadMessage,
  request: HttpRequest,
  wasi: Wasi,
  input: CreditedSource,
  respond: (head: HttpHead) => ByteSink,
): Promise<Success> {
  if (load.http === null) {
    throw new GuestFailure(
      'door-mismatch',
      'the component serves no HTTP: it exports neither wasi:http/incoming-handler nor wasi:http/handler',
    );
  }
  const handle = functionAt(exports, load.http);
  const incoming = new IncomingMessage(request, input);
  let end: HttpEnd;
  if (load.http[0]!.startsWith('wasi:http/handler@')) {
    end = await answered(wasi.handle(handle, incoming, respond));
  } else {
    const exchange = wasi.incoming(incoming, respond);
    await handle(exchange.request, exchange.outparam);
    // The guest has returned and can do nothing more: what it left unfinished stays so.
    wasi.close();
    end = exchange.ended ?? (await exchange.end);
  }
  switch (end.kind) {
    case 'finished':
      return { exitCode: 0, trailers: end.trailers };
    case 'truncated':
      throw new GuestFailure('guest-response-invalid', `the answer is not complete: ${end.detail}`);
    case 'error':
      throw new GuestFailure('guest-response-invalid', `the function answered with the error ${end.code.tag}`);
    case 'unanswered':
      throw new GuestFailure('guest-response-invalid', 'the function returned without setting a response');
    default:
      return end satisfies never;
  }
}

/** A request with its body. Its fields are read when the guest asks for them. */
class IncomingMessage implements IncomingHttp {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly body: CreditedSource;
  readonly #request: HttpRequest;

  constructor(request: HttpRequest, body: CreditedSource) {
    this.method = request.method;
    this.scheme = request.scheme;
    this.authority = request.authority;
    this.path = request.path;
    this.body = body;
    this.#request = request;
  }

  get headers(): HttpRequest['headers'] {
    return this.#request.headers;
  }
}

/** An exchange of WASI 0.3, in which the guest may return an error. */
async function answered(end: Promise<HttpEnd>): Promise<HttpEnd> {
  try {
    return await end;
  } catch (thrown) {
    if (isTypedError(thrown)) return { kind: 'error', code: thrown.payload as HttpErrorCode };
    throw thrown;
  }
}

type Exported = (...args: unknown[]) => unknown;

/** What was looked up of an instance's exports, which serve one invocation after another: to bind a function costs as much as to open an invocation's body. */
const LOOKED_UP = new WeakMap<object, Map<readonly string[], Exported>>();

/** The function that a path of keys leads to. The paths come from our own translation of the component. */
export function functionAt(exports: unknown, path: readonly string[]): Exported {
  const from = exports as object;
  let known = LOOKED_UP.get(from);
  const called = known?.get(path);
  if (called !== undefined) return called;
  let owner: unknown;
  let at = exports;
  for (const key of path) {
    owner = at;
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  if (typeof at !== 'function')
    throw new GuestFailure('export-unknown', `the component has no export ${path.join('.')}`);
  const bound = at.bind(owner);
  known ??= new Map();
  LOOKED_UP.set(from, known.set(path, bound));
  return bound;
}

async function callTyped(
  called: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  fallible: boolean,
): Promise<unknown> {
  if (!fallible) return called(...args);
  try {
    return { tag: 'ok', val: await called(...args) };
  } catch (thrown) {
    if (isTypedError(thrown)) return { tag: 'err', val: thrown.payload };
    throw thrown;
  }
}

function argumentsOf(bytes: Uint8Array): readonly unknown[] {
  let args: unknown;
  try {
    args = readBindingValue(bytes);
  } catch (error) {
    throw new GuestFailure('argument-invalid', `expected the arguments as MessagePack: ${(error as Error).message}`);
  }
  if (!Array.isArray(args)) throw new GuestFailure('argument-invalid', 'expected the arguments as an array');
  return args;
}

function isTypedError(thrown: unknown): thrown is TypedError {
  return thrown instanceof Error && Object.hasOwn(thrown, 'payload');
}
