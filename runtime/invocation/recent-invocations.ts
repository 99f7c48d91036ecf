import type { RecentInvocation } from '../../guest-sdk/protocol/index.ts';
import { InFlight } from '../sandbox/index.ts';

/** An invocation that tells, when it is asked, what is known of it. */
export interface NotedInvocation {
  readonly id: string;
  readonly noted: RecentInvocation;
}

/** Running invocations, and the latest of those that ended. */
export class RecentInvocations {
  readonly #kept: number;
  readonly #running = new InFlight<string, NotedInvocation>();
  /** The latest last; up to twice as many as are kept, so that not each end moves them all. */
  #ended: NotedInvocation[] = [];

  /** `kept`: how many ended ones are remembered. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** One has begun. */
  begin(invocation: NotedInvocation): void {
    this.#running.set(invocation.id, invocation);
  }

  /** One has ended. */
  end(invocation: NotedInvocation): void {
    this.#running.delete(invocation.id);
    this.#ended.push(invocation);
    if (this.#ended.length > 2 * this.#kept) this.#ended = this.#latest();
  }

  /** One that runs or is remembered. */
  find(id: string): RecentInvocation | undefined {
    return (this.#running.get(id) ?? this.#latest().find((one) => one.id === id))?.noted;
  }

  /** Newest first; those that run before those that ended. */
  list(): RecentInvocation[] {
    return [...this.#running.values().reverse(), ...this.#latest().reverse()].map(({ noted }) => noted);
  }

  #latest(): NotedInvocation[] {
    return this.#ended.slice(Math.max(0, this.#ended.length - this.#kept));
  }
}
