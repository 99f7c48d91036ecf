import type { NotedInvocation } from './noted-invocation.ts';

/** Characters of a UUID and of a trace's id. */
const ID_LENGTH = 36;
const TRACE_LENGTH = 32;

/** What is the same for many invocations, and so costs nothing to keep. */
type Shared = Pick<NotedInvocation, 'version' | 'door' | 'target' | 'outcome' | 'start'>;

/**
 * The latest invocations that ended, in columns that are written over. An object for each would outlive collections of young objects, which copy it, and then be garbage among
 * the old: thousands a second make the collector look at all old objects every few seconds.
 */
export class EndedInvocations {
  readonly #kept: number;
  readonly #ids: Buffer;
  /** Of those that have one of their caller's. */
  readonly #traces: Buffer;
  readonly #hasTrace: Uint8Array;
  readonly #beganAtMs: Float64Array;
  readonly #durationMs: Float64Array;
  readonly #versions: NotedInvocation['version'][] = [];
  readonly #doors: NotedInvocation['door'][] = [];
  readonly #targets: NotedInvocation['target'][] = [];
  readonly #outcomes: NotedInvocation['outcome'][] = [];
  readonly #starts: NotedInvocation['start'][] = [];
  /** How many came so far. */
  #count = 0;

  /** `kept`: how many are remembered. */
  constructor(kept: number) {
    this.#kept = kept;
    this.#ids = Buffer.alloc(kept * ID_LENGTH);
    this.#traces = Buffer.alloc(kept * TRACE_LENGTH);
    this.#hasTrace = new Uint8Array(kept);
    this.#beganAtMs = new Float64Array(kept);
    this.#durationMs = new Float64Array(kept);
  }

  /** One has ended. It is not kept itself. */
  add(ended: NotedInvocation): void {
    if (this.#kept === 0) return;
    const at = this.#count % this.#kept;
    this.#count += 1;
    this.#ids.write(ended.id, at * ID_LENGTH, 'latin1');
    const { callerTrace } = ended;
    this.#hasTrace[at] = callerTrace === null ? 0 : 1;
    if (callerTrace !== null) this.#traces.write(callerTrace, at * TRACE_LENGTH, 'latin1');
    this.#beganAtMs[at] = ended.beganAtMs;
    this.#durationMs[at] = ended.durationMs ?? 0;
    this.#versions[at] = ended.version;
    this.#doors[at] = ended.door;
    this.#targets[at] = ended.target;
    this.#outcomes[at] = ended.outcome;
    this.#starts[at] = ended.start;
  }

  /** Newest first. */
  list(): NotedInvocation[] {
    const size = Math.min(this.#count, this.#kept);
    return Array.from({ length: size }, (_, back) => this.#at((this.#count - 1 - back) % this.#kept));
  }

  find(id: string): NotedInvocation | undefined {
    return this.list().find((one) => one.id === id);
  }

  #at(at: number): NotedInvocation {
    const shared: Shared = {
      version: this.#versions[at]!,
      door: this.#doors[at]!,
      target: this.#targets[at],
      outcome: this.#outcomes[at]!,
      start: this.#starts[at],
    };
    const text = (from: Buffer, length: number) => from.toString('latin1', at * length, (at + 1) * length);
    return {
      ...shared,
      id: text(this.#ids, ID_LENGTH),
      callerTrace: this.#hasTrace[at] === 1 ? text(this.#traces, TRACE_LENGTH) : null,
      beganAtMs: this.#beganAtMs[at]!,
      durationMs: this.#durationMs[at]!,
    };
  }
}
