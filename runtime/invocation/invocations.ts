import { randomUUID } from 'node:crypto';
import {
  asCloudletError,
  CloudletError,
  type Door,
  type LogLine,
  type RecentInvocation,
  type ValueFormat,
  type WitFunction,
} from '../../guest-sdk/protocol/index.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { FunctionVersion } from '../function/function-version.ts';
import type { CloudletObserver } from '../observer.ts';
import type { CallInput, InvokeRequest, Invocation as SandboxInvocation, SandboxPool } from '../sandbox/index.ts';
import type { CallResult, Invocation, InvocationRequest, InvokeOptions } from './invocation.ts';
import { collectBytes, limitedBytes, limitedInput } from './limited-bytes.ts';
import { RecentInvocations } from './recent-invocations.ts';
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
  /** Takes a line of the host's for a function's log. */
  readonly log: (version: FunctionVersion, line: Omit<LogLine, 'at' | 'version'>) => void;
}

/** Runs invocations in the pool, remembers them and reports how they ended. */
export class Invocations {
  readonly #parts: InvocationParts;
  readonly #recent: RecentInvocations;

  constructor(parts: InvocationParts) {
    this.#parts = parts;
    this.#recent = new RecentInvocations(parts.recentInvocations);
  }

  /** Running and lately ended ones, newest first. */
  recent(): RecentInvocation[] {
    return this.#recent.list();
  }

  /** Runs a command or an http handler; resolves when its answer begins. */
  async stream(
    version: FunctionVersion,
    request: InvocationRequest,
    input: CallInput,
    options: InvokeOptions,
  ): Promise<Invocation> {
    const limited = limitedInput(input, this.#parts.bodyBytes);
    const record = this.#begin(version, request.door, undefined);
    try {
      const invocation = await this.#enter(record, version, request, limited, options);
      invocation.done.then(
        () => record.end('ok'),
        (error: unknown) => record.end(asCloudletError(error)),
      );
      return { ...invocation, door: request.door, version: version.version };
    } catch (error) {
      throw record.end(asCloudletError(error));
    }
  }

  /** Runs a typed call to its end. The arguments are checked before anything is asked of the pool. */
  async call(
    version: FunctionVersion,
    fn: WitFunction,
    args: unknown,
    options: InvokeOptions & { readonly argumentFormat: ValueFormat; readonly resultFormat: ValueFormat },
  ): Promise<CallResult> {
    const { valueBytes } = version.loaded.grant.limits;
    const input = typedInput(fn, args, options.argumentFormat, valueBytes);
    const record = this.#begin(version, 'call', fn.name);
    try {
      const request = { door: 'call', target: fn.name } as const;
      const { id, output, done, timing } = await this.#enter(record, version, request, input, options);
      const bytes = await collectBytes(limitedBytes(output, valueBytes, 'result-too-large'));
      const { runMs } = await done;
      const value = typedResult(fn, bytes, options.resultFormat, valueBytes);
      record.end('ok');
      return { id, version: version.version, value, timing: { ...timing, runMs } };
    } catch (error) {
      throw record.end(asCloudletError(error));
    }
  }

  async #enter(
    record: InvocationRecord,
    version: FunctionVersion,
    request: InvokeRequest,
    input: CallInput,
    { deadlineMs = Number.POSITIVE_INFINITY, idempotent = false, signal }: InvokeOptions,
  ): Promise<SandboxInvocation> {
    const invocation = await this.#parts.pool.invoke(version.loaded, request, input, {
      id: record.id,
      deadlineMs: Math.min(deadlineMs, version.loaded.grant.limits.deadlineMs),
      idempotent,
      ...(signal === undefined ? {} : { signal }),
    });
    record.began(invocation.timing.start);
    return invocation;
  }

  #begin(version: FunctionVersion, door: Door, target: string | undefined): InvocationRecord {
    const { feed, observer, log } = this.#parts;
    const beganAt = performance.now();
    let noted: RecentInvocation = {
      id: randomUUID(),
      function: version.name,
      version: version.version,
      door,
      ...(target === undefined ? {} : { target }),
      startedAt: new Date().toISOString(),
      durationMs: null,
      outcome: 'running',
    };
    const note = (news: Partial<RecentInvocation>): void => {
      noted = { ...noted, ...news };
      this.#recent.note(noted);
      feed.emit({ kind: 'invocation', invocation: noted });
    };
    note({});
    return {
      id: noted.id,
      began: (start) => note({ start }),
      end: (how) => {
        const outcome = how === 'ok' ? 'ok' : how.code;
        const durationMs = performance.now() - beganAt;
        note({ outcome, durationMs });
        const { id, start } = noted;
        observer.invoked?.({
          id,
          name: version.name,
          version: version.version,
          outcome,
          durationMs,
          ...(start === undefined ? {} : { start }),
        });
        // What the guest did wrong belongs where its author looks.
        if (how instanceof CloudletError && how.traits.fault === 'guest') {
          log(version, { invocation: id, stream: 'host', text: `${how.code}: ${how.message}` });
        }
        return how;
      },
    };
  }
}

/** One invocation's way from running to its outcome. */
interface InvocationRecord {
  readonly id: string;
  readonly began: (start: string) => void;
  /** Notes the outcome and gives it back. */
  readonly end: <How extends 'ok' | CloudletError>(how: How) => How;
}
