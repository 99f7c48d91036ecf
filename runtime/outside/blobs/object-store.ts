import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Digest, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import { BlobStore, isMissing } from '../../store/index.ts';
import type { ObjectPlace } from '../../wasi/index.ts';
import { noObject, ObjectTable } from './object-table.ts';

const READ_BYTES = 128 * 1024;

/** Files that are removed without anything in between: each takes the event loop some 60 µs, and a guest chooses how many go together. */
const SWEPT_AT_ONCE = 64;

/** The bytes of an object, or a part of them. They are there until `close`, whatever becomes of the object. */
export interface OpenedObject {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The objects of all functions: which there are in a table, their bytes as blobs by digest, each of them once. */
export class ObjectStore {
  readonly table: ObjectTable;
  readonly blobs: BlobStore;
  /** Blobs that may be no object any more. */
  readonly #unswept = new Set<Digest>();
  #sweeping: NodeJS.Immediate | undefined;

  private constructor(table: ObjectTable, blobs: BlobStore) {
    this.table = table;
    this.blobs = blobs;
  }

  /** Opens or makes the store in `directory`, and removes blobs that nothing names: a killed predecessor left them. */
  static async open(directory: string, { nowS }: { nowS: () => number }): Promise<ObjectStore> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const blobs = await BlobStore.open(join(directory, 'blobs'));
    const table = ObjectTable.open(join(directory, 'objects.sqlite'), nowS);
    const opened = new ObjectStore(table, blobs);
    try {
      await blobs.gc((digest) => table.inUse(digest));
    } catch (error) {
      table.close();
      throw error;
    }
    return opened;
  }

  /** Takes all that a function has from under its name. */
  retire(functionName: string): void {
    this.table.retire(functionName);
  }

  /** Removes some of what was retired, with its bytes; true when there is nothing more. */
  removeSome(): boolean {
    const { gone, isOver } = this.table.removeSome();
    if (gone.length > 0) this.sweep(gone);
    return isOver && this.#unswept.size === 0;
  }

  /** Removes those of the blobs that no object is any more: a few at once, the others soon. What is left when the store closes goes when it opens again. */
  sweep(digests: readonly Digest[]): void {
    for (const digest of digests) this.#unswept.add(digest);
    this.#sweepSome();
  }

  /** Opens the bytes of an object from `start` to before `end`, or to its own end. `no-object`, `no-container`. */
  async openObject(
    functionName: string,
    place: ObjectPlace,
    { start, end }: { start: number; end: number },
  ): Promise<OpenedObject> {
    for (;;) {
      const found = this.table.object(functionName, place);
      if (found === undefined) throw noObject(place);
      const file = await open(this.blobs.path(found.digest)).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (file !== undefined) {
        const from = Math.min(start, found.size);
        const sizeBytes = Math.min(end, found.size) - from;
        const whole = sizeBytes === found.size ? found.digest : null;
        return { sizeBytes, bytes: fileBytes(file, from, sizeBytes, whole), close: () => file.close() };
      }
      // It was replaced between the two steps; when not, its bytes are lost.
      if (this.table.object(functionName, place)?.digest === found.digest) throw lost(found.digest);
    }
  }

  /** Idempotent. */
  close(): void {
    clearImmediate(this.#sweeping);
    this.#unswept.clear();
    this.table.close();
  }

  #sweepSome(): void {
    let left = SWEPT_AT_ONCE;
    for (const digest of this.#unswept) {
      if (left === 0) break;
      left -= 1;
      this.#unswept.delete(digest);
      this.blobs.remove(digest, (each) => this.table.inUse(each));
    }
    clearImmediate(this.#sweeping);
    if (this.#unswept.size > 0) this.#sweeping = setImmediate(() => this.#sweepSome());
  }
}

/** So many bytes of a file. All bytes of a blob are compared with its digest: the reader hears of damage before the end. */
async function* fileBytes(
  file: FileHandle,
  start: number,
  length: number,
  digest: Digest | null,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = digest === null ? null : createHash('sha256');
  const buffer = new Uint8Array(Math.min(READ_BYTES, length));
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), start + at);
    if (bytesRead === 0) throw damaged(`${length - at} bytes are missing`);
    at += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    hash?.update(chunk);
    if (hash !== null && at === length && digestOfHex(hash.digest('hex')) !== digest)
      throw damaged(`the bytes do not match ${digest}`);
    yield chunk;
  }
}

function damaged(what: string): CloudletError {
  return new CloudletError(
    'storage-corrupt',
    `expected a stored object as it was written, but ${what}; write it again`,
  );
}

function lost(digest: Digest): CloudletError {
  return new CloudletError(
    'storage-corrupt',
    `expected the bytes of a stored object, found no blob ${digest}; write the object again`,
  );
}
