import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Digest, hexOf } from '../../../guest-sdk/protocol/index.ts';
import { asStorageError, type BlobStore, type WrittenBlob } from '../../store/index.ts';

/** How long what came of a blob is kept for the next try, milliseconds. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** What partial blobs are kept with. */
export interface PartialBlobsParts {
  /** Nothing else is there. */
  readonly directory: string;
  readonly blobs: BlobStore;
  /** Most bytes that are kept while nothing goes on. */
  readonly mostBytes: number;
  readonly now?: () => number;
}

/** A blob that is to come, and how it comes from some byte on. */
export interface ComingBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Its bytes from `start`, and no more than there are. */
  readonly from: (start: number) => AsyncIterable<Uint8Array>;
  /** Told how many of its bytes are here. */
  readonly onBytes: (done: number) => void;
}

/**
 * Blobs that come from elsewhere, as files: what broke off, also with this process, is gone on with by whoever wants the same blob. Nothing is believed of a file:
 * its bytes become a blob when they have its digest.
 */
export class PartialBlobs {
  readonly #parts: PartialBlobsParts;
  /** Those that come now: one at a time of each digest. */
  readonly #turns = new Map<Digest, Promise<unknown>>();

  constructor(parts: PartialBlobsParts) {
    this.#parts = parts;
  }

  /** Fetches what is missing of a blob and gives it, held. `package-invalid` when all its bytes are another blob; none is kept of these. */
  async complete(coming: ComingBlob, signal: AbortSignal): Promise<WrittenBlob> {
    const before = this.#turns.get(coming.digest) ?? Promise.resolve();
    const done = before.then(
      () => this.#complete(coming, signal),
      () => this.#complete(coming, signal),
    );
    this.#turns.set(coming.digest, done);
    try {
      return await done;
    } finally {
      if (this.#turns.get(coming.digest) === done) this.#turns.delete(coming.digest);
    }
  }

  /** Removes what came of blobs that are versions' now. */
  async forget(digests: Iterable<Digest>): Promise<void> {
    for (const digest of digests) if (!this.#turns.has(digest)) await rm(this.#path(digest), { force: true });
  }

  /** Removes what nobody went on with for a day, and the oldest of more than may be kept. */
  async sweep(): Promise<void> {
    const { directory, mostBytes, now = Date.now } = this.#parts;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const busy = new Set([...this.#turns.keys()].map(hexOf));
    const idle = (await readdir(directory)).filter((name) => !busy.has(name)).map((name) => join(directory, name));
    const found = await Promise.all(idle.map(async (path) => ({ path, ...(await factsOf(path)) })));
    let kept = 0;
    for (const { path, size, changed } of found.sort((a, b) => b.changed - a.changed)) {
      kept += size;
      if (kept > mostBytes || changed + KEPT_MS < now()) await rm(path, { force: true });
    }
  }

  async #complete(coming: ComingBlob, signal: AbortSignal): Promise<WrittenBlob> {
    const { digest, size } = coming;
    const path = this.#path(digest);
    const { size: here } = await factsOf(path);
    // A file that is longer was another's.
    const start = here > size ? 0 : here;
    await this.#fetch(path, coming, start, signal);
    try {
      return await this.#stored(path, coming, signal);
    } catch (error) {
      if (!(error instanceof CloudletError) || error.code !== 'body-truncated') throw error;
      await rm(path, { force: true });
      // What was here before may have been torn by a loss of power: it is believed no more than a stranger.
      if (start > 0) return await this.#complete(coming, signal);
      throw new CloudletError(
        'package-invalid',
        `the registry: expected a part of ${size} bytes with digest ${digest}, got others`,
        { cause: error },
      );
    }
  }

  async #fetch(path: string, { size, from, onBytes }: ComingBlob, start: number, signal: AbortSignal): Promise<void> {
    const file = await open(path, start === 0 ? 'w' : 'r+', 0o600).catch((error: unknown) => {
      throw asStorageError(error);
    });
    try {
      let at = start;
      onBytes(at);
      if (at === size) return;
      for await (const piece of from(at)) {
        signal.throwIfAborted();
        await file.write(piece, 0, piece.length, at).catch((error: unknown) => {
          throw asStorageError(error);
        });
        at += piece.length;
        onBytes(at);
      }
    } finally {
      await file.close();
    }
  }

  async #stored(path: string, { digest, size }: ComingBlob, signal: AbortSignal): Promise<WrittenBlob> {
    const bytes = createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
    return await this.#parts.blobs.write(bytes, {
      ...{ limitBytes: size, expectedBytes: size, expectedDigest: digest, signal },
    });
  }

  #path(digest: Digest): string {
    return join(this.#parts.directory, hexOf(digest));
  }
}

async function factsOf(path: string): Promise<{ readonly size: number; readonly changed: number }> {
  const found = await stat(path).catch(() => null);
  return { size: found?.size ?? 0, changed: found?.mtimeMs ?? 0 };
}
