import type { RecentInvocation } from '../../guest-sdk/protocol/index.ts';

/** Running invocations, and the latest of those that ended. */
export class RecentInvocations {
  readonly #kept: number;
  readonly #running = new Map<string, RecentInvocation>();
  #ended: RecentInvocation[] = [];

  /** `kept`: how many ended ones are remembered. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Notes what is known now: an invocation that began, learned how its sandbox came to be, or ended. */
  note(invocation: RecentInvocation): void {
    if (invocation.outcome === 'running') {
      this.#running.set(invocation.id, invocation);
      return;
    }
    this.#running.delete(invocation.id);
    this.#ended.unshift(invocation);
    this.#ended.length = Math.min(this.#ended.length, this.#kept);
  }

  /** One that runs or is remembered. */
  find(id: string): RecentInvocation | undefined {
    return this.#running.get(id) ?? this.#ended.find((one) => one.id === id);
  }

  /** Newest first; those that run before those that ended. */
  list(): RecentInvocation[] {
    return [...[...this.#running.values()].reverse(), ...this.#ended];
  }
}
