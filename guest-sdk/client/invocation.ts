import { CloudletError, type FunctionName } from '../protocol/index.ts';
import { notACloudlet, problemOf } from './problem.ts';
import type { HostAddress } from './request.ts';
import { type BodySource, readWhole, type TransportResponse } from './transport.ts';

/** What a caller may say about one invocation. */
export interface InvokeOptions {
  /** A deadline below the function's own, milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** This version, whatever calls are shared out among. */
  readonly version?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Sees the fields of the answer to a typed call, such as `Server-Timing`. */
  readonly answered?: ((header: (name: string) => string | null) => void) | undefined;
}

/** An answer that streams. */
export interface Answer {
  /** Finds the invocation in the function's log. */
  readonly invocation: string;
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** stdout of a command, the body of an http answer. */
  readonly body: AsyncIterable<Uint8Array>;
  /** A command's exit status once the body was read; null for an http answer, and for a long one where the transport shows no trailers. */
  readonly exitStatus: () => number | null;
}

/** A result is bounded by the function's grant; this only keeps a stranger at that address from filling the memory. */
const MAX_RESULT_BYTES = 256 * 1024 * 1024;

/** Calls a typed export. 64-bit integers beyond what a number holds come as decimal strings. */
export async function callExport(
  host: HostAddress,
  name: FunctionName,
  target: string,
  args: readonly unknown[],
  options: InvokeOptions = {},
): Promise<unknown> {
  const path = `/v1/functions/${name}/call/${encodeURIComponent(target)}`;
  const headers = { ...headersOf(options), accept: 'application/json' };
  const response = await host.send({ method: 'POST', path, headers, json: args, signal: options.signal });
  options.answered?.(response.header);
  const text = new TextDecoder().decode(await readWhole(response.body, MAX_RESULT_BYTES));
  try {
    return JSON.parse(text);
  } catch {
    throw notACloudlet(`${host.origin}${path}`, 'something that is not JSON');
  }
}

/** Runs a command and resolves when its output begins. */
export async function runCommand(
  host: HostAddress,
  name: FunctionName,
  args: readonly string[],
  input: BodySource | undefined,
  options: InvokeOptions = {},
): Promise<Answer> {
  const query = new URLSearchParams(args.map((arg) => ['arg', arg])).toString();
  const path = `/v1/functions/${name}/run${query === '' ? '' : `?${query}`}`;
  const headers = { ...headersOf(options), 'content-type': 'application/octet-stream' };
  return answer(await host.send({ method: 'POST', path, headers, body: input, signal: options.signal }));
}

/** Sends a request to an http function. What the cloudlet itself refuses is thrown; what the function answers is not, whatever its status. */
export async function requestFunction(
  host: HostAddress,
  name: FunctionName,
  path: string,
  {
    method = 'GET',
    body,
    ...options
  }: InvokeOptions & { readonly method?: string; readonly body?: BodySource | undefined } = {},
): Promise<Answer> {
  // An application may have been given the path: what it resolves to is this function's, not something else of the cloudlet.
  const { pathname } = new URL(`${host.origin}/f/${name}${path}`);
  if (pathname !== `/f/${name}` && !pathname.startsWith(`/f/${name}/`))
    throw new CloudletError(
      'request-invalid',
      `expected a path below the function "${name}", such as /hello, got ${JSON.stringify(path.slice(0, 200))}`,
    );
  const request = { method, path: `/f/${name}${path}`, headers: headersOf(options), body, signal: options.signal };
  const response = await host.sendRaw(request);
  // A function cannot set it, and a problem that names the invocation which failed does not have it.
  if (response.header('cloudlet-function-version') === null)
    throw await problemOf(response, `${host.origin}${request.path}`);
  return answer(response);
}

function headersOf({ deadlineMs, version }: InvokeOptions): Record<string, string> {
  return {
    ...(deadlineMs === undefined ? {} : { 'cloudlet-deadline-ms': String(deadlineMs) }),
    ...(version === undefined ? {} : { 'cloudlet-version': String(version) }),
  };
}

function answer(response: TransportResponse): Answer {
  return {
    invocation: response.header('cloudlet-invocation-id') ?? '',
    status: response.status,
    header: response.header,
    body: response.body,
    exitStatus: () => {
      const text = response.header('cloudlet-exit-code') ?? response.trailer('cloudlet-exit-code');
      return text !== null && /^\d{1,3}$/.test(text) ? Number(text) : null;
    },
  };
}
