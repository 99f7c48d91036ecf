/**
 * What an agent and its host say to each other about the network, as plain data. The agent imports this file, and so it imports
 * nothing of Node.
 */

/** A header or trailer field. */
export type Field = readonly [name: string, value: Uint8Array];

/** Longest path with query: servers take about as much. */
export const MAX_PATH = 8 * 1024;
/** Most fields of a header or of trailers. */
export const MAX_FIELDS = 256;
/** Bytes of names and values of a header, or of trailers: with the rest of a message they fit in 64 KiB. */
export const MAX_FIELD_BYTES = 48 * 1024;
/** Longest authority: that of the longest name with a port. */
export const MAX_AUTHORITY = 300;

/** Arguments of `http.send`. The request's body comes as records: pieces, an empty one at its end, then names and values of trailers. */
export interface HttpSend {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** Path with query, never empty. */
  readonly path: string;
  readonly headers: readonly Field[];
  /** Whether a body comes. */
  readonly body: boolean;
  /** Null: as the host has it. */
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly betweenBytesMs: number | null;
}

/** The answer to `http.send`; the body follows as it is. */
export interface HttpHeadAnswer {
  readonly status: number;
  readonly headers: readonly Field[];
}

/** What ends the body of an answer that is complete. */
export interface HttpEndAnswer {
  readonly trailers: readonly Field[];
}
