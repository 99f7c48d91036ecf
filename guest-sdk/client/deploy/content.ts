/** Bytes that can be read from anywhere: a file, a browser's `Blob`, memory. */
export interface Content {
  readonly bytes: number;
  /** The bytes from `start` up to, not with, `end`. */
  readonly slice: (start: number, end: number) => Promise<Uint8Array>;
}

/** Bytes in memory, as content. */
export function contentOf(bytes: Uint8Array): Content {
  return { bytes: bytes.length, slice: async (start, end) => bytes.subarray(start, end) };
}
