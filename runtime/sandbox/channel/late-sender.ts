import { asCloudletError, type CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { CHUNK_BYTES, LATE_ID, type LateContent, type LateMessage, WireError } from '../../agent/wire.ts';
import type { FrameWriter } from './frame-writer.ts';

/** Sends files that come after the load, each piece as soon as it is here, one after another; first those that a guest waits for. */
export class LateSender {
  readonly #writer: Pick<FrameWriter, 'message' | 'body' | 'room'>;
  readonly #contents: readonly LateContent[];
  readonly #wanted = new Set<string>();
  /** Here, and not sent yet. */
  #waiting: Piece[] = [];
  #isSending = false;

  /** `failed` is told when one does not come: guests that wait for it wait in vain. */
  constructor(
    writer: Pick<FrameWriter, 'message' | 'body' | 'room'>,
    contents: readonly LateContent[],
    failed: (error: CloudletError) => void,
  ) {
    this.#writer = writer;
    this.#contents = contents;
    for (const [late, content] of contents.entries())
      for (const piece of content.pieces.keys())
        content.whenHere(piece).then(
          (bytes) => {
            this.#waiting.push({ late, piece, bytes });
            void this.#send();
          },
          (error: unknown) => failed(asCloudletError(error)),
        );
  }

  /** A guest waits for a piece. */
  want({ late, piece }: LateMessage): void {
    const content = this.#contents[late];
    if (content === undefined || !(piece < content.pieces.length))
      throw new WireError(`expected a piece of one of ${this.#contents.length} late files, got ${late}/${piece}`);
    this.#wanted.add(keyOf({ late, piece }));
    content.want(piece);
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { late, piece, bytes } = next;
      this.#writer.message('late', LATE_ID, { late, piece } satisfies LateMessage);
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        this.#writer.body(LATE_ID, bytes.subarray(at, at + CHUNK_BYTES));
        await this.#writer.room();
      }
    }
    this.#isSending = false;
  }

  #next(): Piece | undefined {
    const wanted = this.#wanted.size === 0 ? -1 : this.#waiting.findIndex((each) => this.#wanted.has(keyOf(each)));
    const [next] = this.#waiting.splice(Math.max(0, wanted), 1);
    if (next !== undefined) this.#wanted.delete(keyOf(next));
    return next;
  }
}

interface Piece extends LateMessage {
  readonly bytes: Uint8Array;
}

function keyOf({ late, piece }: LateMessage): string {
  return `${late}/${piece}`;
}
