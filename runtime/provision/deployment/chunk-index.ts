import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { StatementSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { type Digest, digestOf } from '../../../guest-sdk/protocol/index.ts';
import type { Database } from '../../outside/database.ts';
import type { BlobStore } from '../../store/index.ts';
import { abortError } from '../../store/index.ts';
import { ChunkFinder, type FoundChunk, type FoundChunks } from './found-chunks.ts';

/** Where a chunk lies. */
interface ChunkRow {
  readonly blob: Digest;
  readonly at: number;
  readonly bytes: number;
}

/** Chunks that are written in one transaction: some milliseconds. */
const BATCH = 256;
const READ_BYTES = 256 * 1024;

/** Which chunks the stored blobs consist of, so that of a new version only what changed is sent. Says what may be there; who reads a chunk compares it. */
export class ChunkIndex {
  readonly #database: Database;
  readonly #blobs: BlobStore;
  readonly #isStored: (blob: Digest) => boolean;
  readonly #row: StatementSync;
  readonly #add: StatementSync;
  readonly #isKnown: StatementSync;
  readonly #indexing = new Map<Digest, Promise<void>>();
  /** Blobs that are read from, whether anything names them any more or not. */
  readonly #held = new Map<Digest, number>();

  /** `isStored` says whether a blob is one that stays: others may go at any moment. */
  constructor(database: Database, blobs: BlobStore, isStored: (blob: Digest) => boolean) {
    this.#database = database;
    this.#blobs = blobs;
    this.#isStored = isStored;
    this.#row = database.prepare('SELECT blob, at, bytes FROM chunks WHERE digest = ?');
    this.#add = database.prepare('INSERT OR REPLACE INTO chunks (digest, blob, at, bytes) VALUES (?, ?, ?, ?)');
    this.#isKnown = database.prepare('SELECT 1 FROM chunked WHERE blob = ?');
  }

  /** Whether a chunk is in a blob that is stored. */
  has(digest: Digest): boolean {
    return this.blobOf(digest) !== undefined;
  }

  /** The stored blob that a chunk is in; undefined when it is in none. */
  blobOf(digest: Digest): Digest | undefined {
    const row = this.#row.get(digest) as unknown as ChunkRow | undefined;
    return row !== undefined && this.#isThere(row.blob) ? row.blob : undefined;
  }

  /** Keeps blobs until the returned function is called; null, and none is kept, when one of them is not stored any more. */
  hold(blobs: Iterable<Digest>): (() => void) | null {
    const all = [...new Set(blobs)];
    if (!all.every((blob) => this.#isThere(blob))) return null;
    const releases = all.map((blob) => {
      const release = this.#blobs.hold(blob);
      this.#held.set(blob, (this.#held.get(blob) ?? 0) + 1);
      return () => {
        release();
        const left = this.#held.get(blob)! - 1;
        if (left === 0) this.#held.delete(blob);
        else this.#held.set(blob, left);
      };
    });
    return () => {
      for (const release of releases.splice(0)) release();
    };
  }

  /** The verified bytes of a chunk; undefined when it is not, or no longer, in any blob. */
  async read(digest: Digest): Promise<Uint8Array | undefined> {
    const row = this.#row.get(digest) as unknown as ChunkRow | undefined;
    if (row === undefined || !this.#isThere(row.blob)) return undefined;
    const bytes = await slice(this.#blobs.path(row.blob), row.at, row.bytes);
    if (bytes !== undefined && (await digestOf(bytes)) === digest) return bytes;
    this.forget(row.blob);
    return undefined;
  }

  /** Writes the chunks of a stored blob down, unless they are known: those that were found as it came, else it is read. One that cannot be read has none. */
  async index(blob: Digest, signal: AbortSignal, found?: FoundChunks): Promise<void> {
    if (this.#isKnown.get(blob) !== undefined) return;
    const going = this.#indexing.get(blob);
    if (going !== undefined) return going;
    const work = this.#index(blob, signal, found).finally(() => this.#indexing.delete(blob));
    this.#indexing.set(blob, work);
    await work;
  }

  /** Forgets the chunks of a blob. */
  forget(blob: Digest): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM chunks WHERE blob = ?').run(blob);
      this.#database.prepare('DELETE FROM chunked WHERE blob = ?').run(blob);
    });
  }

  /** Forgets the chunks of blobs that are gone. */
  forgetGone(): void {
    const known = this.#database.prepare('SELECT blob FROM chunked').all() as unknown as { blob: Digest }[];
    for (const { blob } of known) if (!this.#isStored(blob)) this.forget(blob);
  }

  #isThere(blob: Digest): boolean {
    return this.#held.has(blob) || this.#isStored(blob);
  }

  async #index(blob: Digest, signal: AbortSignal, found: FoundChunks | undefined): Promise<void> {
    const chunks = found?.of(blob) ?? (await this.#find(blob, signal));
    for (let at = 0; at < chunks.length; at += BATCH) {
      if (at > 0) await turn();
      if (signal.aborted) throw abortError(signal);
      this.#database.transaction(() => {
        for (const chunk of chunks.slice(at, at + BATCH)) this.#add.run(chunk.digest, blob, chunk.at, chunk.bytes);
      });
    }
    this.#database.prepare('INSERT OR IGNORE INTO chunked (blob) VALUES (?)').run(blob);
  }

  async #find(blob: Digest, signal: AbortSignal): Promise<readonly FoundChunk[]> {
    const path = this.#blobs.path(blob);
    const finder = new ChunkFinder((await stat(path)).size);
    const file = createReadStream(path, { highWaterMark: READ_BYTES });
    for await (const _ of finder.through(file as AsyncIterable<Uint8Array>))
      if (signal.aborted) throw abortError(signal);
    return finder.found ?? [];
  }
}

async function slice(path: string, at: number, bytes: number): Promise<Uint8Array | undefined> {
  const handle = await open(path, 'r').catch(() => undefined); // It was removed with its function: the chunk is asked for.
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(bytes), 0, bytes, at);
    return bytesRead === bytes ? buffer : undefined;
  } finally {
    await handle.close();
  }
}
