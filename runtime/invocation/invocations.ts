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
      if (feed.isHeard) feed.emit({ kind: 'invocation', invocation: record.noted });
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

  /** Runs a command or an http handler; resolves when its answer begins. */
  async stream(
    version: FunctionVersion,
    request: InvocationRequest,
    input: CallInput,
    options: InvokeOptions,
  ): Promise<Invocation> {
    const { limits } = version.loaded.grant;
    checkHead(request, limits);
    const limited = limitedInput(input, Math.min(this.#parts.bodyBytes, limits.bodyBytes));
    const isHttp = request.door === 'http';
    const record = this.#begin({ version, door: request.door, ...(isHttp ? { method: request.method } : {}) }, options);
    try {
      const traced = isHttp ? { ...request, headers: [...request.headers, ...traceHeaders(record.trace)] } : request;
      const invocation = await this.#enter(record, version, traced, limited, options);
      record.answered(invocation.head?.status);
      invocation.done.then(
        ({ runMs }) => record.end('ok', runMs),
        (error: unknown) => record.end(asCloudletError(error)),
      );
      const { traceparent } = record.trace;
      return { ...invocation, door: request.door, version: version.version, traceparent };
    } catch (error) {
      throw record.end(asCloudletError(error));
    }
  }

  /** Runs a typed call to its end. The arguments are checked before anything is asked of the pool. */
  async call(version: FunctionVersion, fn: WitFunction, args: unknown, options: CallOptions): Promise<CallResult> {
    const { valueBytes } = version.loaded.grant.limits;
    const input = typedInput(fn, args, options.argumentFormat, valueBytes);
    const record = this.#begin({ version, door: 'call', target: fn.name }, options);
    try {
      const request = { door: 'call', target: fn.name } as const;
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
    const { traceparent, tracestate } = record.trace;
    const traced = { ...request, traceparent, tracestate: tracestate ?? undefined };
    return this.#parts.pool.invoke(version.loaded, traced, input, {
      id: record.id,
      entered: (timing) => record.entered(timing),
      deadlineMs: Math.min(deadlineMs, version.loaded.grant.limits.deadlineMs),
      idempotent,
      signal,
    });
  }
}

/** What an http function is told: its own span is the parent of what it asks of others. */
function traceHeaders({ traceparent, tracestate }: InvocationTrace): [name: string, value: Uint8Array][] {
  const headers: [string, Uint8Array][] = [['traceparent', Buffer.from(traceparent)]];
  if (tracestate !== null) headers.push(['tracestate', Buffer.from(tracestate)]);
  return headers;
}
