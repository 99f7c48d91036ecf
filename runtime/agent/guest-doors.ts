import { readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/value/index.ts';
import type { ByteSink, HttpHead, Wasi } from '../wasi/index.ts';
import type { CreditedSink } from './credited-sink.ts';
import type { CreditedSource } from './credited-source.ts';
import { GuestFailure } from './guest-failure.ts';
import type { InvokeRequest, LoadMessage } from './wire.ts';

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
): Promise<void> {
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
}

/** Runs `wasi:cli/run`. Gives the exit status that the return value means; `exit` throws a `GuestExit` instead. */
export async function serveRun(exports: unknown, load: LoadMessage): Promise<number> {
  if (load.run === null)
    throw new GuestFailure('door-mismatch', 'the component is no command: it does not export wasi:cli/run');
  try {
    await functionAt(exports, load.run)();
    return 0;
  } catch (thrown) {
    if (isTypedError(thrown)) return 1;
    throw thrown;
  }
}

/** Gives a request to the component's `wasi:http` handler. Resolves with the trailers when the answer is complete. */
export async function serveHttp(
  exports: unknown,
  load: LoadMessage,
  request: Extract<InvokeRequest, { door: 'http' }>,
  wasi: Wasi,
  input: CreditedSource,
  respond: (head: HttpHead) => ByteSink,
): Promise<readonly (readonly [string, Uint8Array])[]> {
  if (load.http === null) {
    throw new GuestFailure(
      'door-mismatch',
      'the component serves no HTTP: it does not export wasi:http/incoming-handler',
    );
  }
  const exchange = wasi.incoming({ ...request, body: input }, respond);
  await functionAt(exports, load.http)(exchange.request, exchange.outparam);
  // The guest has returned and can do nothing more: what it left unfinished stays so.
  wasi.close();
  const end = await exchange.end;
  switch (end.kind) {
    case 'finished':
      return end.trailers;
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

/** The function that a path of keys leads to. The paths come from our own translation of the component. */
export function functionAt(exports: unknown, path: readonly string[]): (...args: unknown[]) => unknown {
  let owner: unknown;
  let at = exports;
  for (const key of path) {
    owner = at;
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  if (typeof at !== 'function')
    throw new GuestFailure('export-unknown', `the component has no export ${path.join('.')}`);
  return at.bind(owner);
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
