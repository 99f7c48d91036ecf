import { randomUUID } from 'node:crypto';
import { CloudletError, type Door, type LogLine, type RecentInvocation } from '../../guest-sdk/protocol/index.ts';
import type { FunctionVersion } from '../function/function-version.ts';
import type { CloudletObserver, InvocationPlace } from '../observer.ts';
import type { PlaceTiming } from '../sandbox/index.ts';
import type { InvokeOptions } from './invocation.ts';
import type { NotedInvocation } from './noted-invocation.ts';
import { type InvocationTrace, type TraceSampler, traceOf } from './trace.ts';

/** What is invoked. */
export interface Invoked {
  readonly version: FunctionVersion;
  readonly door: Door;
  readonly target: string | undefined;
  readonly method: string | undefined;
}

/** Who hears of an invocation. */
export interface RecordListener {
  readonly observer: CloudletObserver;
  readonly sample: TraceSampler;
  /** It has begun, learned how its sandbox came to be, or ended. */
  readonly changed: (record: InvocationRecord, what: 'begun' | 'entered' | 'ended') => void;
  /** Takes a line of the host's for a function's log. */
  readonly log: (version: FunctionVersion, line: Omit<LogLine, 'at' | 'seq' | 'version'>) => void;
}

/** One invocation's way from accepted to its outcome: tells what happens to whoever is to know. */
export class InvocationRecord implements NotedInvocation {
  readonly id: string = randomUUID();
  readonly trace: InvocationTrace;
  readonly #invoked: Invoked;
  readonly #listener: RecordListener;
  readonly beganAtMs = Date.now();
  readonly #beganAt = performance.now();
  #outcome: RecentInvocation['outcome'] = 'running';
  #durationMs: number | null = null;
  #place: InvocationPlace | undefined;
  #status: number | undefined;

  constructor(invoked: Invoked, { trace = null, begun }: InvokeOptions, listener: RecordListener) {
    this.#invoked = invoked;
    this.#listener = listener;
    this.trace = traceOf(this.id, trace, listener.sample);
    listener.changed(this, 'begun');
    begun?.({ id: this.id, version: invoked.version.version, traceparent: this.trace.traceparent });
  }

  get version(): FunctionVersion {
    return this.#invoked.version;
  }

  get door(): Door {
    return this.#invoked.door;
  }

  get target(): string | undefined {
    return this.#invoked.target;
  }

  get durationMs(): number | null {
    return this.#durationMs;
  }

  get outcome(): RecentInvocation['outcome'] {
    return this.#outcome;
  }

  get callerTrace(): string | null {
    return this.trace.parentSpanId === null ? null : this.trace.traceId;
  }

  get start(): NotedInvocation['start'] {
    return this.#place?.start;
  }

  /** It has a place in a sandbox. */
  entered({ queueMs, startMs, start }: PlaceTiming): void {
    this.#place = { queueMs, startMs, start, afterMs: performance.now() - this.#beganAt };
    this.#listener.changed(this, 'entered');
  }

  /** Its http answer has begun. */
  answered(status: number | undefined): void {
    this.#status = status;
  }

  /** Notes the outcome and gives it back. `runMs` is known when the guest ended well. */
  end<How extends 'ok' | CloudletError>(how: How, runMs?: number): How {
    const outcome = how === 'ok' ? 'ok' : how.code;
    const durationMs = performance.now() - this.#beganAt;
    this.#outcome = outcome;
    this.#durationMs = durationMs;
    this.#listener.changed(this, 'ended');
    const { observer, log } = this.#listener;
    const { version, door, target, method } = this.#invoked;
    observer.invoked?.({
      id: this.id,
      name: version.name,
      version: version.version,
      door,
      target,
      method,
      status: this.#status,
      outcome,
      trace: this.trace,
      beganAtMs: this.beganAtMs,
      durationMs,
      place: this.#place,
      runMs,
    });
    // What the guest did wrong belongs where its author looks.
    if (how instanceof CloudletError && how.traits.fault === 'guest') {
      log(version, { invocation: this.id, stream: 'host', text: `${how.code}: ${how.message}` });
    }
    return how;
  }
}
