/** A disk that is read and never written. */
export interface BlockSource {
  readonly bytes: number;
  /** Fills `into` from `offset` on, all of it within the disk; rejects when it cannot, or when `signal` aborts. */
  read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void>;
}
