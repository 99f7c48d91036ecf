import { encodeFrame, type Frame, FrameReader } from './wire.ts';

/** Bytes of an epoch: so many that nothing that was under way by chance, or by a guest's will, looks like its mark. */
export const EPOCH_BYTES = 16;

/** The epoch of every worker that has no predecessor. */
export const FIRST_EPOCH: Uint8Array = new Uint8Array(EPOCH_BYTES);

/**
 * Cuts the bytes of a worker's line into frames, also where the worker, or who it replaces, ended in the middle of one: what comes
 * before the `mark` of the current epoch is of the past.
 */
export class LineReader {
  #frames = new FrameReader();
  #mark: Uint8Array;
  /** The end of what has come, while it may be the beginning of the mark; null once the mark was found. */
  #held: Uint8Array | null = new Uint8Array(0);
  /** Whether frames of the past are given. */
  #remembers = false;

  /** Looks for the mark of `epoch`. */
  constructor(epoch: Uint8Array) {
    this.#mark = encodeFrame('mark', 0, epoch);
  }

  /** The mark came before this reader was there. */
  resume(): void {
    this.#held = null;
  }

  /** The line has a new worker. Whole frames that its predecessor still said are given before the mark, unless that had not even come to its own. */
  expect(epoch: Uint8Array): void {
    this.#remembers = this.#held === null;
    this.#held = new Uint8Array(0);
    this.#mark = encodeFrame('mark', 0, epoch);
  }

  /** Takes the next bytes and gives the frames that they complete, the mark among them. `WireError` as `FrameReader.push`. */
  push(bytes: Uint8Array): Frame[] {
    if (this.#held === null) return this.#frames.push(bytes);
    const all = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const at = all.indexOf(this.#mark);
    const past = at === -1 ? Math.max(0, all.length - this.#mark.length + 1) : at;
    const frames = this.#remembers ? this.#frames.push(all.subarray(0, past)) : [];
    if (at === -1) {
      this.#held = all.subarray(past);
      return frames;
    }
    this.#held = null;
    this.#frames = new FrameReader();
    return [...frames, ...this.#frames.push(all.subarray(at))];
  }
}
