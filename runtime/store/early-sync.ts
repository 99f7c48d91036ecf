import type { FileHandle } from 'node:fs/promises';

/** What may be unwritten before the disk is told to begin, bytes: a tenth of a second of a usual disk. */
const UNSYNCED_BYTES = 2 * 1024 * 1024;

/** Has the disk write a long file while it still comes: what is left of it at the end is short, however long it is. */
export class EarlySync {
  readonly #handle: Pick<FileHandle, 'sync' | 'datasync'>;
  #syncedBytes = 0;
  #going: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(handle: Pick<FileHandle, 'sync' | 'datasync'>) {
    this.#handle = handle;
  }

  /** So many bytes are in the file; nobody waits for the disk. */
  wrote(sizeBytes: number): void {
    if (this.#going !== null || this.#failure !== null || sizeBytes - this.#syncedBytes < UNSYNCED_BYTES) return;
    this.#syncedBytes = sizeBytes;
    // The kernel tells of bytes that it could not write once: what it says here is thrown at the end.
    this.#going = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#going = null;
      });
  }

  /** All is in the file, and now on the disk, or rejects. */
  async end(): Promise<void> {
    await this.#going;
    if (this.#failure !== null) throw this.#failure.error;
    await this.#handle.sync();
  }

  /** The handle is not used any more. */
  async settled(): Promise<void> {
    await this.#going;
  }
}
