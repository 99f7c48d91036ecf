import type { WrittenBlob } from '../../store/index.ts';
import type { ObjectPlace } from '../../wasi/index.ts';
import type { FunctionAccount } from '../function-account.ts';
import { OutsideRefusal, type OutsideRequest } from '../outside-service.ts';
import { chunksOf } from '../transfer.ts';
import { OBJECT_BYTES } from './object-statements.ts';
import type { ObjectStore } from './object-store.ts';
import { quotaExceeded } from './object-table.ts';

/** For whom bytes are stored, and how many he may have. */
export interface BlobOwner {
  readonly account: FunctionAccount;
  /** Bytes of names and objects, and of `OBJECT_BYTES` for each object and container. */
  readonly quotaBytes: number;
}

/**
 * Bytes of a guest on their way to the disk. They are hashed and written as they come; what they are the object of is said later, by a
 * request of its own. Until then nobody but this knows the blob, and when it is given up the blob goes.
 */
export class Upload {
  /** Settles when the upload is over: the bytes became an object, or why not. */
  readonly over: Promise<void>;
  readonly #store: ObjectStore;
  readonly #owner: BlobOwner;
  readonly #written: Promise<WrittenBlob>;
  readonly #settle: PromiseWithResolvers<void>;
  #countedBytes = 0;
  #committed = false;

  constructor(store: ObjectStore, owner: BlobOwner, { source, signal }: OutsideRequest) {
    this.#store = store;
    this.#owner = owner;
    this.#settle = Promise.withResolvers();
    const chunks = chunksOf(source, signal);
    this.#written = store.blobs.write(this.#counted(chunks), { limitBytes: owner.quotaBytes, signal }).catch(asRefusal);
    this.#written.catch((error: unknown) => this.#settle.reject(error));
    const give = () => this.#settle.reject(new OutsideRefusal('given-up', 'the upload was given up'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
    this.over = this.#settle.promise.finally(() => this.#end());
  }

  /** Waits for the bytes and makes them an object. */
  async commit(place: ObjectPlace): Promise<void> {
    const { account, quotaBytes } = this.#owner;
    const { digest, sizeBytes } = await Promise.race([this.#written, this.over as Promise<never>]);
    account.check();
    if (this.#committed)
      throw new OutsideRefusal('given-up', 'expected an upload that goes on, got one that was committed');
    this.#committed = true;
    const gone = this.#store.table.put(account.name, place, { digest, size: sizeBytes }, quotaBytes);
    this.#settle.resolve();
    await this.over;
    this.#store.sweep(gone);
  }

  /** Counts bytes against the quota before they are written: many uploads at once may not fill the disk either. */
  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { account, quotaBytes } = this.#owner;
    this.#count(OBJECT_BYTES);
    for await (const chunk of chunks) {
      this.#count(chunk.length);
      const bytes = this.#store.table.usage(account.name) + account.incomingBytes;
      if (bytes > quotaBytes) throw quotaExceeded(quotaBytes, bytes);
      yield chunk;
    }
  }

  #count(bytes: number): void {
    this.#countedBytes += bytes;
    this.#owner.account.incomingBytes += bytes;
  }

  async #end(): Promise<void> {
    const blob = await this.#written.catch(() => null);
    this.#owner.account.incomingBytes -= this.#countedBytes;
    if (blob === null) return;
    blob.release();
    this.#store.sweep([blob.digest]);
  }
}

/** The blob store wraps what a body throws; a guest shall hear the refusal itself. */
function asRefusal(error: unknown): never {
  const cause = (error as { cause?: unknown }).cause;
  if (cause instanceof OutsideRefusal) throw cause;
  if ((error as { code?: unknown }).code === 'body-too-large')
    throw new OutsideRefusal('quota', (error as Error).message);
  throw error;
}
