import { asCloudletError, type CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { CHUNK_BYTES, LATE_ID, type LateContent, type LateMessage, WireError } from '../../agent/wire.ts';
import type { FrameWriter } from './frame-writer.ts';

/** Sends files that come after the load, each as soon as it is here, one after another. */
export class LateSender {
  readonly #writer: Pick<FrameWriter, 'message' | 'body' | 'room'>;
  readonly #contents: readonly LateContent[];
  #sending: Promise<void> = Promise.resolve();

  /** `failed` is told when one does not come: guests that wait for it wait in vain. */
  constructor(
    writer: Pick<FrameWriter, 'message' | 'body' | 'room'>,
    contents: readonly LateContent[],
    failed: (error: CloudletError) => void,
  ) {
    this.#writer = writer;
    this.#contents = contents;
    for (const [late, { whenHere }] of contents.entries())
      whenHere.then(
        (bytes) => {
          this.#sending = this.#sending.then(() => this.#send(late, bytes));
        },
        (error: unknown) => failed(asCloudletError(error)),
      );
  }

  /** A guest waits for one. */
  want({ late }: LateMessage): void {
    const content = this.#contents[late];
    if (content === undefined) throw new WireError(`expected one of ${this.#contents.length} late files, got ${late}`);
    content.want();
  }

  async #send(late: number, bytes: Uint8Array): Promise<void> {
    this.#writer.message('late', LATE_ID, { late } satisfies LateMessage);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      this.#writer.body(LATE_ID, bytes.subarray(at, at + CHUNK_BYTES));
      await this.#writer.room();
    }
  }
}
