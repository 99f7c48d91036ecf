import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';
import { OutputStream } from '../io/output-stream.ts';
import { askBlobs, blobsOf } from './asking.ts';
import type { BlobUpload, ObjectPlace } from './blob-backend.ts';

let write: (value: OutgoingValue, place: ObjectPlace) => Promise<void>;

/**
 * `wasi:blobstore/types`'s resource `outgoing-value`. Guests say where a value goes before they write its bytes, or after: so the bytes
 * are on their way at once, and become an object when both are known and the value is complete.
 */
export class OutgoingValue {
  readonly #context: Context;
  #upload: BlobUpload | null = null;
  #stream: OutputStream | null = null;
  #place: ObjectPlace | null = null;
  #stored = false;
  #dropped = false;
  readonly #forget: () => void;

  constructor(context: Context) {
    context.retain();
    this.#context = context;
    this.#forget = context.atClose(() => this.#upload?.abandon());
  }

  outgoingValueWriteBody(): OutputStream {
    if (this.#stream !== null || this.#context.backend.blobs === null) throw undefined;
    this.#upload = blobsOf(this.#context).upload();
    this.#stream = new OutputStream(this.#context, this.#upload.sink);
    return this.#stream;
  }

  /** `[static]outgoing-value.finish`. */
  static async finish(value: OutgoingValue): Promise<void> {
    value.#end();
    try {
      if (value.#place !== null && !value.#stored) await value.#store(value.#place);
    } finally {
      value.#upload?.abandon();
    }
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#end();
    this.#upload?.abandon();
  }

  static {
    write = async (value, place) => {
      if (value.#place !== null) throw 'expected a value that is written once, got one that was written before';
      value.#place = place;
      // Complete, and nothing can be added: a guest of the draft that had no `finish` will not say more.
      if (value.#stream?.dropped) await value.#store(place);
    };
  }

  async #store(place: ObjectPlace): Promise<void> {
    if (this.#upload === null) {
      this.#upload = blobsOf(this.#context).upload();
      this.#upload.sink.close();
    }
    const upload = this.#upload;
    await askBlobs(this.#context, () => upload.commit(place));
    this.#stored = true;
  }

  #end(): void {
    if (this.#stream !== null && !this.#stream.dropped) {
      throw new GuestTrap('the stream of an outgoing value must be dropped before the value');
    }
    this.#dropped = true;
    this.#forget();
    this.#context.release();
  }
}

/** What `container.write-data` does to a value. */
export function writeValue(value: OutgoingValue, place: ObjectPlace): Promise<void> {
  return write(value, place);
}
