import { stat } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { CloudletError, type Digest } from '../../../guest-sdk/protocol/index.ts';
import { abortError, BlobStore } from '../../store/index.ts';
import { Looks } from './looks.ts';
import { MAX_PART_BYTES } from './rung.ts';

/** What parts may take, and how long they are kept for a device that comes back. */
export interface PartStoreOptions {
  /** Of all parts together, bytes; the oldest that nobody waits for go first. */
  readonly limitBytes?: number;
  readonly keptMs?: number;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/** Bytes of parts at once: some overlays, and what was broken off. */
const LIMIT_BYTES = 4 * 1024 ** 3;
/** How long a part stays that nothing was made of: a device that lost its connection comes back within a day, or starts anew. */
const KEPT_MS = 24 * 3600 * 1000;

interface KeptPart {
  readonly bytes: number;
  readonly atMs: number;
}

/** Parts that devices sent and nothing was made of yet, as files by their digests. They outlive the process: an upload that broke off goes on. */
export class PartStore {
  /** Who looks for what is here does so in one of these: nothing is removed meanwhile. */
  readonly looks = new Looks();
  readonly #blobs: BlobStore;
  readonly #limitBytes: number;
  readonly #keptMs: number;
  readonly #nowMs: () => number;
  readonly #parts = new Map<Digest, KeptPart>();
  readonly #waiting = new Map<Digest, Set<(bytes?: Uint8Array) => void>>();
  #totalBytes = 0;
  #comingBytes = 0;

  private constructor(
    blobs: BlobStore,
    { limitBytes = LIMIT_BYTES, keptMs = KEPT_MS, nowMs = Date.now }: PartStoreOptions,
  ) {
    this.#blobs = blobs;
    this.#limitBytes = limitBytes;
    this.#keptMs = keptMs;
    this.#nowMs = nowMs;
  }

  /** Opens or makes the store; what a killed host had half-received is gone, whole parts are here again. */
  static async open(directory: string, options: PartStoreOptions = {}): Promise<PartStore> {
    const store = new PartStore(await BlobStore.open(directory, { durable: false }), options);
    for (const digest of await store.#blobs.list()) {
      const { size, mtimeMs } = await stat(store.#blobs.path(digest));
      store.#note(digest, { bytes: size, atMs: mtimeMs });
    }
    return store;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Those that are here. */
  digests(): Iterable<Digest> {
    return this.#parts.keys();
  }

  has(digest: Digest): boolean {
    return this.#parts.has(digest);
  }

  /** Takes a part (of `bytes`, where that is known) from a body, which must be it; wakes who waits for it. Errors as those of `BlobStore.write`; `storage-full` when all room is in use. */
  async write(
    { digest, bytes }: { readonly digest: Digest; readonly bytes: number | null },
    body: AsyncIterable<Uint8Array>,
    isInUse: (digest: Digest) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const limitBytes = bytes ?? MAX_PART_BYTES;
    const pieces: Uint8Array[] = [];
    // Those that are still coming count, too: any number may come at once.
    this.#comingBytes += limitBytes;
    try {
      await this.#makeRoom(limitBytes, isInUse);
      const written = await this.#blobs.write(noting(body, pieces), {
        ...{ limitBytes, expectedBytes: bytes ?? undefined, expectedDigest: digest },
        signal,
      });
      written.release();
      this.#note(digest, { bytes: written.sizeBytes, atMs: this.#nowMs() });
    } finally {
      this.#comingBytes -= limitBytes;
    }
    // Who waited first need not read what is in one piece here, and has the digest; it is his then.
    let whole = pieces.length === 1 ? pieces[0] : undefined;
    for (const wake of this.#waiting.get(digest) ?? []) {
      wake(whole);
      whole = undefined;
    }
  }

  /** The verified bytes of a part that is here; undefined when there is none, or what was there had been damaged. */
  async read(digest: Digest): Promise<Uint8Array | undefined> {
    if (!this.#parts.has(digest)) return undefined;
    try {
      return await this.#blobs.read(digest);
    } catch (error) {
      const isLost = error instanceof CloudletError && (error.code === 'storage-corrupt' || error.code === 'not-found');
      if (!isLost) throw error;
      this.#forget(digest);
      return undefined;
    }
  }

  /** Resolves when a part is here, with its verified bytes when they are at hand, which nobody else has then. */
  async arrived(digest: Digest, signal: AbortSignal): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    while (!this.#parts.has(digest)) {
      if (signal.aborted) throw abortError(signal);
      const waiting = this.#waiting.get(digest) ?? new Set();
      this.#waiting.set(digest, waiting);
      const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
      waiting.add(resolve);
      const leave = () => resolve(undefined);
      signal.addEventListener('abort', leave, { once: true });
      bytes = await promise;
      signal.removeEventListener('abort', leave);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(digest);
    }
    return bytes;
  }

  /** Removes parts that something was made of, but for those in use. */
  remove(digests: Iterable<Digest>, isInUse: (digest: Digest) => boolean): Promise<void> {
    return this.looks.remove(async () => {
      let count = 0;
      for (const digest of digests) {
        if (this.#parts.has(digest) && this.#blobs.remove(digest, isInUse)) this.#forget(digest);
        count += 1;
        // Files are removed in this turn, so that nobody comes to use one in between; not too many in one.
        if (count % 32 === 0) await turn();
      }
    });
  }

  /** Removes what has lain here too long and is not in use. */
  async sweep(isInUse: (digest: Digest) => boolean): Promise<void> {
    const before = this.#nowMs() - this.#keptMs;
    await this.remove(
      [...this.#parts].flatMap(([digest, { atMs }]) => (atMs < before ? [digest] : [])),
      isInUse,
    );
  }

  async #makeRoom(bytes: number, isInUse: (digest: Digest) => boolean): Promise<void> {
    if (this.#totalBytes + this.#comingBytes <= this.#limitBytes) return;
    for (const [digest] of [...this.#parts].sort(([, a], [, b]) => a.atMs - b.atMs)) {
      if (this.#totalBytes + this.#comingBytes <= this.#limitBytes) return;
      await this.remove([digest], isInUse);
    }
    if (this.#totalBytes + this.#comingBytes <= this.#limitBytes) return;
    throw new CloudletError(
      'storage-full',
      `expected room for ${bytes} bytes among at most ${this.#limitBytes} of parts, all of which are in use; try again when a deployment has ended`,
    );
  }

  #note(digest: Digest, part: KeptPart): void {
    this.#forget(digest);
    this.#parts.set(digest, part);
    this.#totalBytes += part.bytes;
  }

  #forget(digest: Digest): void {
    this.#totalBytes -= this.#parts.get(digest)?.bytes ?? 0;
    this.#parts.delete(digest);
  }
}

/** The same body, of which the first two pieces are noted. */
async function* noting(body: AsyncIterable<Uint8Array>, pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    if (pieces.length < 2) pieces.push(piece);
    yield piece;
  }
}
