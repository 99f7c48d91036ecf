import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { asStorageError, type BlobStore, type WrittenBlob } from '../store/index.ts';
import { RegistryRefusal } from './refusal.ts';

/** How long an upload waits for more, milliseconds. */
export const UPLOAD_MS = 60 * 60 * 1000;

/** Uploads at once: each has a file. */
const MAX_UPLOADS = 64;

/** How long an upload has been silent that gives way to another when there are too many, milliseconds. */
export const GIVES_WAY_MS = 60 * 1000;

/** What uploads work on. */
export interface UploadsParts {
  /** Where their files are; nothing else is there. */
  readonly directory: string;
  readonly blobs: BlobStore;
  /** Longest blob, bytes. */
  readonly blobBytes: number;
  /** Refuses what is more than there is room for. */
  readonly checkRoom: (bytes: number) => void;
  /** Milliseconds, of a clock that only goes on. */
  readonly now: () => number;
}

interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  received: number;
  until: number;
  busy: boolean;
}

/** Blobs that arrive in one request or many. What arrived of one that broke off stays, and the sender goes on behind it. */
export class Uploads {
  readonly #parts: UploadsParts;
  readonly #uploads = new Map<string, Upload>();

  private constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /** Makes the directory, without what an earlier process left there. */
  static async open(parts: UploadsParts): Promise<Uploads> {
    await rm(parts.directory, { recursive: true, force: true });
    await mkdir(parts.directory, { recursive: true, mode: 0o700 });
    return new Uploads(parts);
  }

  /** Bytes that have arrived of uploads without an end. */
  get bytes(): number {
    return [...this.#uploads.values()].reduce((sum, { received }) => sum + received, 0);
  }

  /** Begins an upload and gives its id. */
  async begin(repository: string): Promise<string> {
    await this.#sweep();
    if (this.#uploads.size >= MAX_UPLOADS && !(await this.#giveWay()))
      throw new CloudletError('at-capacity', `expected at most ${MAX_UPLOADS} uploads at once, got one more`);
    const id = randomUUID();
    const path = join(this.#parts.directory, id);
    await (await open(path, 'wx', 0o600)).close();
    this.#uploads.set(id, { id, repository, path, received: 0, until: this.#until(), busy: false });
    return id;
  }

  /** How many bytes of an upload have arrived. */
  received(repository: string, id: string): number {
    return this.#find(repository, id).received;
  }

  /** Takes more of an upload, which must begin at `from` where that is said; gives how much has arrived. */
  append(repository: string, id: string, body: AsyncIterable<Uint8Array>, from: number | null): Promise<number> {
    const upload = this.#find(repository, id);
    if (from !== null && from !== upload.received)
      throw new RegistryRefusal(
        'BLOB_UPLOAD_INVALID',
        'range-unsatisfiable',
        `expected the upload to go on at ${upload.received}, got a part that begins at ${from}; ask where it is with GET`,
      );
    return this.#alone(upload, () => this.#write(upload, body));
  }

  /** Ends an upload with what is left of it, compared with its digest; only then it is a blob. */
  finish(repository: string, id: string, body: AsyncIterable<Uint8Array>, digest: Digest): Promise<WrittenBlob> {
    const upload = this.#find(repository, id);
    return this.#alone(upload, async () => {
      await this.#write(upload, body);
      const { blobBytes, blobs } = this.#parts;
      const whole = createReadStream(upload.path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
      try {
        return await blobs.write(whole, { limitBytes: blobBytes, expectedDigest: digest });
      } catch (error) {
        throw asDigestRefusal(error);
      } finally {
        await this.#forget(upload);
      }
    });
  }

  /** Gives an upload up. */
  async cancel(repository: string, id: string): Promise<void> {
    const upload = this.#find(repository, id);
    // What it writes would count as nobody's.
    await this.#alone(upload, () => this.#forget(upload));
  }

  /** Removes all of them. */
  async close(): Promise<void> {
    this.#uploads.clear();
    await rm(this.#parts.directory, { recursive: true, force: true });
  }

  async #write(upload: Upload, body: AsyncIterable<Uint8Array>): Promise<number> {
    const { blobBytes, checkRoom } = this.#parts;
    let handle: FileHandle | undefined;
    try {
      handle = await open(upload.path, 'r+');
      for await (const chunk of body) {
        if (upload.received + chunk.length > blobBytes)
          throw new RegistryRefusal(
            'SIZE_INVALID',
            'body-too-large',
            `expected a blob of at most ${blobBytes} bytes, got more`,
          );
        checkRoom(this.bytes + chunk.length);
        await handle.write(chunk, 0, chunk.length, upload.received);
        upload.received += chunk.length;
        upload.until = this.#until();
      }
      return upload.received;
    } catch (error) {
      throw asStorageError(error);
    } finally {
      await handle?.close();
    }
  }

  async #alone<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    if (upload.busy)
      throw new RegistryRefusal(
        'BLOB_UPLOAD_INVALID',
        'conflict',
        'expected one request of an upload at a time, got two',
      );
    upload.busy = true;
    try {
      return await work();
    } finally {
      upload.busy = false;
    }
  }

  #find(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload?.repository === repository && (upload.busy || upload.until > this.#parts.now())) return upload;
    throw new RegistryRefusal(
      'BLOB_UPLOAD_UNKNOWN',
      'not-found',
      'expected an upload that goes on, found none of this address; begin again with POST',
    );
  }

  async #sweep(): Promise<void> {
    const now = this.#parts.now();
    for (const upload of [...this.#uploads.values()])
      if (!upload.busy && upload.until <= now) await this.#forget(upload);
  }

  /** Gives up the upload that has been silent for longest, if that is long: a sender that never ends its uploads must not stop all others. */
  async #giveWay(): Promise<boolean> {
    const idle = [...this.#uploads.values()].filter(({ busy }) => !busy).sort((a, b) => a.until - b.until);
    const [longest] = idle;
    if (longest === undefined || longest.until - UPLOAD_MS + GIVES_WAY_MS > this.#parts.now()) return false;
    await this.#forget(longest);
    return true;
  }

  async #forget({ id, path }: Upload): Promise<void> {
    this.#uploads.delete(id);
    await rm(path, { force: true });
  }

  #until(): number {
    return this.#parts.now() + UPLOAD_MS;
  }
}

/** Bytes of another digest are what a registry calls an invalid digest. */
export function asDigestRefusal(error: unknown): unknown {
  return error instanceof CloudletError && error.code === 'body-truncated' && error.message.includes('with digest')
    ? new RegistryRefusal('DIGEST_INVALID', 'body-truncated', error.message)
    : error;
}
