import {
  asCloudletError,
  CloudletError,
  type LogLine,
  type RecentInvocation,
  type WitFunction,
} from '../../guest-sdk/protocol/index.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { FunctionVersion } from '../function/function-version.ts';
import type { CloudletObserver } from '../observer.ts';
import type { CallInput, InvokeRequest, Invocation as SandboxInvocation, SandboxPool } from '../sandbox/index.ts';
import type { CallOptions, CallResult, Invocation, InvocationRequest, InvokeOptions } from './invocation.ts';
import { InvocationRecord, type Invoked, type RecordListener } from './invocation-record.ts';
import { collectBytes, limitedBytes, limitedInput } from './limited-bytes.ts';
import { checkHead } from './limited-head.ts';
import { recentInvocation } from './noted-invocation.ts';
import { RecentInvocations } from './recent-invocations.ts';
import type { InvocationTrace, TraceSampler } from './trace.ts';
import { typedInput, typedResult } from './typed-call.ts';

/** What invocations need of the cloudlet around them. */
export interface InvocationParts {
  readonly pool: SandboxPool;
  readonly feed: ChangeFeed;
  readonly observer: CloudletObserver;
  /** Longest input of a command or request, bytes. */
  readonly bodyBytes: number;
  /** Ended invocations that are remembered. */
  readonly recentInvocations: number;
  readonly sample: TraceSampler;
  /** Takes a line of the host's for a function's log. */
  readonly log: (version: FunctionVersion, line: Omit<LogLine, 'at' | 'seq' | 'version'>) => void;
}

/** Runs invocations in the pool, remembers them and reports how they ended. */
export class Invocations {
  readonly #parts: InvocationParts;
  readonly #recent: RecentInvocations;
  readonly #listener: RecordListener;

  constructor(parts: InvocationParts) {
    this.#parts = parts;
    this.#recent = new RecentInvocations(parts.recentInvocations);
    const { observer, sample, log, feed } = parts;
    const changed: RecordListener['changed'] = (record, what) => {
      if (what === 'begun') this.#recent.begin(record);
      else if (what === 'ended') this.#recent.end(record);
      if (feed.isHeard) feed.emit({ kind: 'invocation', invocation: recentInvocation(record) });
    };
    this.#listener = { observer, sample, log, changed };
  }

  /** Running and lately ended ones, newest first. */
  recent(): RecentInvocation[] {
    return this.#recent.list();
  }

  /** One of them; `not-found` when there is none of this id, or it ended long ago. */
  find(id: string): RecentInvocation {
    const found = this.#recent.find(id);
    if (found !== undefined) return found;
    const got = JSON.stringify(id.slice(0, 60));
    throw new CloudletError('not-found', `expected the id of an invocation that runs or ended lately, got ${got}`);
  }

  /** Runs a command or an http handler; resolves when its answer begins. `ended` hears of its end, whatever that is. */
  async stream(
    version: FunctionVersion,
    request: InvocationRequest,
    input: CallInput,
    options: InvokeOptions,
    ended: () => void = () => {},
  ): Promise<Invocation> {
    let record: InvocationRecord | null = null;
    try {
      const { limits } = version.loaded.grant;
      checkHead(request, limits);
      const limited = limitedInput(input, Math.min(this.#parts.bodyBytes, limits.bodyBytes));
      const method = request.door === 'http' ? request.method : undefined;
      const begun = this.#begin({ version, door: request.door, target: undefined, method }, options);
      record = begun;
      const invocation = await this.#enter(begun, version, traced(request, begun.trace), limited, options);
      begun.answered(invocation.head?.status);
      const end = (how: 'ok' | CloudletError, runMs?: number): void => {
        try {
          begun.end(how, runMs);
        } finally {
          ended();
        }
      };
      invocation.done.then(
        ({ runMs }) => end('ok', runMs),
        (error: unknown) => end(asCloudletError(error)),
      );
      const { id, head, output, done, timing } = invocation;
      const { traceparent } = begun.trace;
      return { id, head, output, done, timing, door: request.door, version: version.version, traceparent };
    } catch (error) {
      try {
        throw record === null ? error : record.end(asCloudletError(error));
      } finally {
        ended();
      }
    }
  }

  /** Runs a typed call to its end. The arguments are checked before anything is asked of the pool. */
  async call(version: FunctionVersion, fn: WitFunction, args: unknown, options: CallOptions): Promise<CallResult> {
    const { valueBytes } = version.loaded.grant.limits;
    const input = typedInput(fn, args, options.argumentFormat, valueBytes);
    const record = this.#begin({ version, door: 'call', target: fn.name, method: undefined }, options);
    try {
      const request = traced({ door: 'call', target: fn.name }, record.trace);
      const { id, output, done, timing } = await this.#enter(record, version, request, input, options);
      const bytes = await collectBytes(limitedBytes(output, valueBytes, 'result-too-large'));
      const { runMs } = await done;
      const value = typedResult(fn, bytes, options.resultFormat, valueBytes);
      record.end('ok', runMs);
      const { traceparent } = record.trace;
      return { id, version: version.version, traceparent, value, timing: { ...timing, runMs } };
    } catch (error) {
      throw record.end(asCloudletError(error));
    }
  }

  #begin(invoked: Invoked, options: InvokeOptions): InvocationRecord {
    return new InvocationRecord(invoked, options, this.#listener);
  }

  #enter(
    record: InvocationRecord,
    version: FunctionVersion,
    request: InvokeRequest,
    input: CallInput,
    { deadlineMs = Number.POSITIVE_INFINITY, idempotent = false, signal }: InvokeOptions,
  ): Promise<SandboxInvocation> {
    return this.#parts.pool.invoke(version.loaded, request, input, {
      id: record.id,
      entered: (timing) => record.entered(timing),
      deadlineMs: Math.min(deadlineMs, version.loaded.grant.limits.deadlineMs),
      idempotent,
      signal,
    });
  }
}

/** A request as a sandbox gets it, and, by http, as the function is told it: its own span is the parent of what it asks of others. */
function traced(
  request: InvocationRequest | { readonly door: 'call'; readonly target: string },
  { traceparent, tracestate }: InvocationTrace,
): InvokeRequest {
  const state = tracestate ?? undefined;
  if (request.door !== 'http') return { ...request, traceparent, tracestate: state };
  const headers = request.headers.slice();
  headers.push(['traceparent', Buffer.from(traceparent, 'latin1')]);
  if (tracestate !== null) headers.push(['tracestate', Buffer.from(tracestate)]);
  const { door, method, scheme, authority, path } = request;
  return { door, method, scheme, authority, path, headers, traceparent, tracestate: state };
}
