import type { FunctionName, RecentInvocation } from '../guest-sdk/protocol/index.ts';

/** What changed, for the page: it asks for the new state itself. */
export type CloudletEvent =
  | { readonly kind: 'functions' }
  /** Entries of the store. */
  | { readonly kind: 'store' }
  | { readonly kind: 'sandboxes' }
  | { readonly kind: 'services' }
  | { readonly kind: 'deployments' }
  /** What makes later starts of a version cheaper is there, or cannot be. */
  | { readonly kind: 'prepared'; readonly function: FunctionName; readonly version: number }
  | { readonly kind: 'invocation'; readonly invocation: RecentInvocation };

/** Tells listeners what changed. */
export class ChangeFeed {
  readonly #listeners = new Set<(event: CloudletEvent) => void>();
  readonly #failed: (error: unknown) => void;

  /**
   * `failed` hears of a listener that threw: that is its fault, and must not become the failure of the invocation it was
   * told of.
   */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: (event: CloudletEvent) => void): () => void {
    const own = (event: CloudletEvent) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Whether anybody listens: what only they want to know need not be made else. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  emit(event: CloudletEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
