import type { Door, RecentInvocation } from '../../guest-sdk/protocol/index.ts';
import type { FunctionVersion } from '../function/function-version.ts';
import type { Rung } from '../sandbox/index.ts';
import type { NotedInvocation } from './recent-invocations.ts';
import { traceIdOf } from './trace.ts';

/**
 * What is remembered of an invocation: a fifth of the memory that its record holds. What outlives a collection of young objects is copied by it, and by the next, so
 * what is kept of the latest invocations is paid for by all.
 */
export class InvocationNote implements NotedInvocation {
  readonly id: string;
  readonly #version: FunctionVersion;
  readonly #door: Door;
  readonly #target: string | undefined;
  readonly #beganAtMs: number;
  readonly #durationMs: number | null;
  readonly #outcome: RecentInvocation['outcome'];
  /** Of its caller; null when it began with the invocation. */
  readonly #trace: string | null;
  readonly #start: Rung | undefined;

  constructor(facts: {
    readonly id: string;
    readonly version: FunctionVersion;
    readonly door: Door;
    readonly target: string | undefined;
    readonly beganAtMs: number;
    readonly durationMs: number | null;
    readonly outcome: RecentInvocation['outcome'];
    readonly trace: string | null;
    readonly start: Rung | undefined;
  }) {
    this.id = facts.id;
    this.#version = facts.version;
    this.#door = facts.door;
    this.#target = facts.target;
    this.#beganAtMs = facts.beganAtMs;
    this.#durationMs = facts.durationMs;
    this.#outcome = facts.outcome;
    this.#trace = facts.trace;
    this.#start = facts.start;
  }

  /** Made when it is asked for: hardly anybody asks for one of thousands. */
  get noted(): RecentInvocation {
    return {
      id: this.id,
      trace: this.#trace ?? traceIdOf(this.id),
      function: this.#version.name,
      version: this.#version.version,
      door: this.#door,
      ...(this.#target === undefined ? {} : { target: this.#target }),
      startedAt: new Date(this.#beganAtMs).toISOString(),
      durationMs: this.#durationMs,
      outcome: this.#outcome,
      ...(this.#start === undefined ? {} : { start: this.#start }),
    };
  }
}
