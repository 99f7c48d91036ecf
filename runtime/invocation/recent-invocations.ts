import type { RecentInvocation } from '../../guest-sdk/protocol/index.ts';
import { InFlight } from '../sandbox/index.ts';
import { EndedInvocations } from './ended-invocations.ts';
import { type NotedInvocation, recentInvocation } from './noted-invocation.ts';

/** Running invocations, and the latest of those that ended. */
export class RecentInvocations {
  readonly #running = new InFlight<string, NotedInvocation>();
  readonly #ended: EndedInvocations;

  /** `kept`: how many ended ones are remembered. */
  constructor(kept: number) {
    this.#ended = new EndedInvocations(kept);
  }

  /** One has begun. */
  begin(invocation: NotedInvocation): void {
    this.#running.set(invocation.id, invocation);
  }

  /** One has ended. */
  end(invocation: NotedInvocation): void {
    this.#running.delete(invocation.id);
    this.#ended.add(invocation);
  }

  /** One that runs or is remembered. */
  find(id: string): RecentInvocation | undefined {
    const found = this.#running.get(id) ?? this.#ended.find(id);
    return found && recentInvocation(found);
  }

  /** Newest first; those that run before those that ended. */
  list(): RecentInvocation[] {
    return [...this.#running.values().reverse(), ...this.#ended.list()].map(recentInvocation);
  }
}
