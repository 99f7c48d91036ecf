import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Digest } from '../../guest-sdk/protocol/index.ts';
import type { BlobStore } from './blob-store.ts';

/** A part of a file. */
export interface ByteSpan {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** A file that is ready to be sent, in whole or in parts. */
export interface StoredFile {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly mediaType: string;
  read(span: ByteSpan): AsyncIterable<Uint8Array>;
}

const READ_BYTES = 256 * 1024;

/** Files that are remembered as verified; who asks for more pays with a comparison. */
const MAX_REMEMBERED = 4096;

/**
 * Blobs in parts. All bytes are compared with the digest once, and again when the file was changed: a download in a hundred ranges reads
 * the file twice, not a hundred times.
 */
export class VerifiedFiles {
  readonly #blobs: BlobStore;
  /** What a file looked like when it was verified, or is being verified. */
  readonly #verified = new Map<Digest, Promise<string>>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Compares a blob with its digest unless that was done; `not-found`, `storage-corrupt` as `BlobStore.open`. */
  async verify(digest: Digest): Promise<void> {
    const known = this.#verified.get(digest);
    if (known !== undefined && (await known) === (await this.#stamp(digest))) return;
    const verifying = this.#compare(digest);
    this.#verified.set(digest, verifying);
    verifying.catch(() => this.#verified.delete(digest));
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MAX_REMEMBERED && oldest !== undefined) this.#verified.delete(oldest);
    await verifying;
  }

  /** The bytes of a part of a verified blob. The file is opened when reading starts. */
  async *read(digest: Digest, { start, end }: ByteSpan): AsyncGenerator<Uint8Array> {
    const handle: FileHandle = await open(this.#blobs.path(digest), 'r');
    try {
      for (let at = start; at < end; ) {
        const length = Math.min(READ_BYTES, end - at);
        const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, at);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }

  async #compare(digest: Digest): Promise<string> {
    const before = await this.#stamp(digest);
    await this.#blobs.open(digest);
    return before;
  }

  async #stamp(digest: Digest): Promise<string> {
    const found = await stat(this.#blobs.path(digest)).catch(() => null);
    return found === null ? 'none' : `${found.ino}-${found.size}-${found.mtimeMs}`;
  }
}
