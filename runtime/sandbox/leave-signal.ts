/**
 * Tells that a caller has left. As much of an `AbortSignal` as an invocation asks: who has thousands of callers a second need not make one for each.
 */
export interface LeaveSignal {
  readonly aborted: boolean;
  /** Has `listener` called when the caller leaves, which it does once. */
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
