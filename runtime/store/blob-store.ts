import { createHash, randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloudletError, type Digest, digestOfHex, hexOf } from '../../guest-sdk/protocol/index.ts';
import { fileBytes, wholeFile } from './blob-file.ts';
import { syncDirectory } from './durable-file.ts';
import { EarlySync } from './early-sync.ts';
import { asStorageError, isMissing } from './storage-error.ts';
import { untilAborted } from './until-aborted.ts';

/** What a writer of a blob promises and allows. */
export interface WriteOptions {
  /** Most bytes that are taken; one more is `body-too-large`, before it is written. */
  readonly limitBytes: number;
  /** Length that the sender declared; any other is `body-truncated`. */
  readonly expectedBytes?: number | undefined;
  /** Digest that the sender declared; any other is `body-truncated`. */
  readonly expectedDigest?: Digest | undefined;
  readonly onBytes?: ((total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A blob that was just written. It is safe from garbage collection until `release` is called; call it once its digest is
 * registered, or given up.
 */
export interface WrittenBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  release(): void;
}

/**
 * A blob whose bytes were just compared with its digest. The file is opened when reading starts, so one that is never read
 * costs nothing.
 */
export interface OpenedBlob {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Makes the file that takes a body while it arrives. */
type OpenTemporary = (path: string) => Promise<FileHandle>;

const HEX_NAME = /^[0-9a-f]{64}$/;
const PREFIX_NAME = /^[0-9a-f]{2}$/;

/**
 * Immutable bytes by digest, as files: `sha256/<2 hex>/<64 hex>`. A name exists only once all its bytes are on the disk;
 * what is still arriving lies in `incoming/` and is cleared at the next opening.
 */
export class BlobStore {
  readonly #directory: string;
  readonly #openTemporary: OpenTemporary;
  readonly #durable: boolean;
  /** How many writers hold a digest that no registry may know yet. */
  readonly #held = new Map<Digest, number>();

  private constructor(directory: string, openTemporary: OpenTemporary, durable: boolean) {
    this.#directory = directory;
    this.#openTemporary = openTemporary;
    this.#durable = durable;
  }

  /**
   * Opens or makes the store in `directory` and removes what an interrupted writer left. Only one process may have it open. Without
   * `durable` a loss of power, though not the end of the process, may cost or tear blobs, which whoever opens one is told.
   */
  static async open(
    directory: string,
    { openTemporary = exclusiveFile, durable = true }: { openTemporary?: OpenTemporary; durable?: boolean } = {},
  ): Promise<BlobStore> {
    await rm(join(directory, 'incoming'), { recursive: true, force: true });
    for (const name of ['incoming', 'sha256', 'corrupt'])
      await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
    return new BlobStore(directory, openTemporary, durable);
  }

  /**
   * Takes a body, hashing it on its way to the disk. Memory: one chunk. Errors: `body-too-large`, `body-truncated` (declared
   * length or digest not met, or the sender broke off), `storage-full`, `client-closed`. After any of them nothing of the
   * body is left.
   */
  async write(body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WrittenBlob> {
    if (options.expectedBytes !== undefined && options.expectedBytes > options.limitBytes)
      throw tooLarge(options.limitBytes, options.expectedBytes);
    const temporary = join(this.#directory, 'incoming', randomBytes(12).toString('hex'));
    try {
      const { digest, sizeBytes } = await this.#receive(temporary, body, options);
      checkDeclared(digest, sizeBytes, options);
      const release = this.hold(digest);
      try {
        // An existing file is replaced: the same bytes, unless it was corrupt, and then this heals it.
        await this.#commit(temporary, this.path(digest));
      } catch (error) {
        release();
        throw error;
      }
      return { digest, sizeBytes, release };
    } catch (error) {
      await rm(temporary, { force: true });
      throw asStorageError(error);
    }
  }

  /**
   * Opens a blob after comparing all its bytes with its digest. `not-found` when there is none; `storage-corrupt` when they
   * differ: the file is then moved to `corrupt/`.
   */
  async open(digest: Digest): Promise<OpenedBlob> {
    const path = this.path(digest);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of fileBytes(path, digest)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    if (digestOfHex(hash.digest('hex')) !== digest) await this.#setAside(digest);
    return { sizeBytes, bytes: fileBytes(path, digest) };
  }

  /** All bytes of a blob, verified; errors as `open`. For blobs whose size is already known to be acceptable in memory. */
  async read(digest: Digest): Promise<Uint8Array> {
    const { bytes, found } = await wholeFile(this.path(digest), digest);
    if (found !== digest) await this.#setAside(digest);
    return bytes;
  }

  /** Length of a blob's file, bytes; infinite when there is none. */
  size(digest: Digest): number {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
  }

  /** Where the blob's file is, or would be. */
  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#directory, 'sha256', hex.slice(0, 2), hex);
  }

  /** Digests that are on the disk. What else lies there, such as what a file manager leaves, is nobody's blob and is let be. */
  async list(): Promise<Digest[]> {
    const found: Digest[] = [];
    const top = join(this.#directory, 'sha256');
    for (const prefix of await readdir(top, { withFileTypes: true })) {
      if (!prefix.isDirectory() || !PREFIX_NAME.test(prefix.name)) continue;
      for (const entry of await readdir(join(top, prefix.name), { withFileTypes: true }))
        if (entry.isFile() && HEX_NAME.test(entry.name)) found.push(digestOfHex(entry.name));
    }
    return found;
  }

  /**
   * Removes every blob that is neither in use nor held by a writer, and returns what went. `inUse` is asked at the moment of
   * each removal, in the same turn of the event loop, so that a publish cannot slip in between.
   */
  async gc(inUse: (digest: Digest) => boolean): Promise<Digest[]> {
    const removed: Digest[] = [];
    for (const digest of await this.list()) if (this.remove(digest, inUse)) removed.push(digest);
    return removed;
  }

  /** Removes one blob, as `gc` does; says whether it went. */
  remove(digest: Digest, inUse: (digest: Digest) => boolean): boolean {
    if (this.#held.has(digest) || inUse(digest)) return false;
    rmSync(this.path(digest), { force: true });
    return true;
  }

  async #receive(
    temporary: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<{ digest: Digest; sizeBytes: number }> {
    const handle = await this.#openTemporary(temporary);
    const early = this.#durable ? new EarlySync(handle) : null;
    try {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      for await (const chunk of untilAborted(
        sending(body, () => sizeBytes),
        options.signal,
      )) {
        if (sizeBytes + chunk.length > options.limitBytes) throw tooLarge(options.limitBytes, undefined);
        hash.update(chunk);
        await handle.writeFile(chunk);
        sizeBytes += chunk.length;
        early?.wrote(sizeBytes);
        options.onBytes?.(sizeBytes);
      }
      if (early !== null) await early.end();
      return { digest: digestOfHex(hash.digest('hex')), sizeBytes };
    } finally {
      await early?.settled();
      await handle.close();
    }
  }

  async #commit(temporary: string, path: string): Promise<void> {
    const directory = dirname(path);
    let isNew = false;
    try {
      await rename(temporary, path);
    } catch (error) {
      // Its directory is made for the first that lies in it.
      if (!isMissing(error)) throw error;
      isNew = (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
      await rename(temporary, path);
    }
    if (!this.#durable) return;
    await syncDirectory(directory);
    if (isNew) await syncDirectory(dirname(directory));
  }

  /** Keeps a blob from being collected until the returned function is called. */
  hold(digest: Digest): () => void {
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#held.get(digest) ?? 1) - 1;
      if (left === 0) this.#held.delete(digest);
      else this.#held.set(digest, left);
    };
  }

  async #setAside(digest: Digest): Promise<never> {
    const aside = join(this.#directory, 'corrupt', `${hexOf(digest)}-${randomBytes(4).toString('hex')}`);
    await rename(this.path(digest), aside);
    throw new CloudletError(
      'storage-corrupt',
      `expected bytes with digest ${digest}, found others on the disk; they were moved to ${aside}, publish the component again`,
    );
  }
}

function exclusiveFile(path: string): Promise<FileHandle> {
  return open(path, 'wx', 0o600);
}

function tooLarge(limitBytes: number, declared: number | undefined): CloudletError {
  const came = declared === undefined ? 'more' : `${declared}`;
  return new CloudletError('body-too-large', `expected a body of at most ${limitBytes} bytes, got ${came}`);
}

function checkDeclared(digest: Digest, sizeBytes: number, { expectedBytes, expectedDigest }: WriteOptions): void {
  if (expectedBytes !== undefined && sizeBytes !== expectedBytes) {
    throw new CloudletError(
      'body-truncated',
      `expected a body of ${expectedBytes} bytes, got ${sizeBytes}; send it again`,
    );
  }
  if (expectedDigest !== undefined && digest !== expectedDigest) {
    throw new CloudletError(
      'body-truncated',
      `expected a body with digest ${expectedDigest}, got ${digest}; send it again`,
    );
  }
}

/** A sender that breaks off is told apart from a disk that fails: the first is the caller's, the second ours. */
async function* sending(body: AsyncIterable<Uint8Array>, received: () => number): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw new CloudletError(
      'body-truncated',
      `expected the whole body, it broke off after ${received()} bytes; send it again`,
      { cause: error },
    );
  }
}
