/**
 * What a worker asks of its host for an invocation, as it goes over the worker's line: `ask`, `answer`, `finish`, with bytes under the same id
 * in both directions, until the host says that it was all (`last`, a code, or `forget`), the worker says `forget`, or the invocation ends.
 */

/** Longest `ask`, `answer` or `finish`, bytes of payload: more than names, numbers and small values goes as a body. */
export const ASK_BYTES = 64 * 1024;

/** What one invocation may have asked at once: each costs the host memory, and perhaps a connection. */
export const MAX_ASKS = 64;

/** Body bytes in flight for one ask and direction: the host holds as many for each of `MAX_ASKS`. */
export const ASK_WINDOW_BYTES = 256 * 1024;

/** Something that the host shall do for the guest. */
export interface AskMessage {
  /** For whom: a worker may have several invocations. */
  readonly invocation: number;
  /** Such as `keyvalue.get`. */
  readonly service: string;
  readonly args: unknown;
}

/** What the host did, and whether it was all; or why it did not, which is all. */
export type AnswerMessage =
  | { readonly value: unknown; readonly last: boolean }
  | { readonly code: string; readonly detail: string };

/** What the host says after its last byte. When that is not all it still takes bytes, until it says `forget`. */
export type FinishMessage = AnswerMessage;
