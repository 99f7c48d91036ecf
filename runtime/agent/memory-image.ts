import { isEmulated } from './emulated.ts';
import { leastGap, takePieces } from './memory-pieces.ts';

/** Bytes of which it is known whether invocations write to them. */
const UNIT_BYTES = 4 * 1024;

/** So many bytes before each other are compared to see that all are zeros: a line of the cache, so that they are read from memory once. */
const SHIFT_BYTES = 64;

/** Of so many times that a memory is put back, once it is looked whether what was written to before still is. */
const LOOK_EVERY = 256;

/**
 * Runs that a memory has at most: each has some views, 700 bytes of a worker's heap. With more of them, gaps between what was written to are put back
 * with it, the shortest first.
 */
const MOST_RUNS = 2048;

/** The same of stretches, each of which has a run or more: short ones of zeros are kept as other bytes are. */
const MOST_STRETCHES = MOST_RUNS / 2;

/** A memory up to so many bytes is put back all of it where that costs less than to compare it. */
const SMALL_BYTES = 256 * 1024;

const { fill } = Uint8Array.prototype;

/** Units of one kind behind each other, by their numbers. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  /** What they held; null where there were only zeros. */
  readonly bytes: Buffer | null;
}

/** What a memory held, and how it comes to hold it again. */
export class MemoryImage {
  readonly #memory: WebAssembly.Memory;
  readonly #units: number;
  readonly #stretches: readonly Stretch[];
  /** Those to which an invocation has written, or may have: they are put back without a look. */
  readonly #written: Uint8Array;
  /** Whether it is never looked what was written to. */
  readonly #isBlind: boolean;
  #runs: readonly Run[] = [];
  #restored = 0;

  /** `writesSooner`: whether to write some bytes costs less here than to compare them, as it does for a processor that is emulated: half for a copy, a seventh for zeros. */
  constructor(memory: WebAssembly.Memory, writesSooner = isEmulated) {
    this.#memory = memory;
    this.#units = memory.buffer.byteLength / UNIT_BYTES;
    this.#written = new Uint8Array(this.#units);
    this.#stretches = stretchesOf(memory.buffer);
    this.#isBlind = writesSooner && memory.buffer.byteLength <= SMALL_BYTES;
    if (this.#isBlind) this.#written.fill(1);
    this.#make();
  }

  /** A memory that grows, by nothing even, lets go of its buffer, and what views it: to ask a view costs less than to ask the memory. */
  get hasGrown(): boolean {
    if (this.#runs[0] !== undefined && !this.#runs[0].isDetached) return false;
    if (this.#memory.buffer.byteLength !== this.#units * UNIT_BYTES) return true;
    this.#make();
    return false;
  }

  /**
   * After `hasGrown`. What no invocation has written to is compared, all at once as far as it goes; what one has is put back as it is, since most write to the same places.
   * A page that was never written to is only read, and costs no memory. Where writing is cheaper, a small memory is written to, all of it.
   */
  restore(): void {
    this.#restored += 1;
    const looks = !this.#isBlind && this.#restored % LOOK_EVERY === 0;
    let isChanged = false;
    for (const run of this.#runs) {
      if (run.isWritten && !looks) run.putBack();
      else if (run.isWritten || !run.isSame) isChanged = this.#examine(run) || isChanged;
    }
    if (isChanged) this.#make();
  }

  /** Puts back what differs, unit by unit, and notes what that is; whether it was something else before. */
  #examine(run: Run): boolean {
    let isChanged = false;
    for (let unit = run.from; unit < run.to; unit += 1) {
      const single = run.part(unit, unit + 1);
      const isWritten = !single.isSame;
      if (isWritten) single.putBack();
      if (isWritten === (this.#written[unit] === 1)) continue;
      this.#written[unit] = isWritten ? 1 : 0;
      isChanged = true;
    }
    return isChanged;
  }

  #make(): void {
    const { buffer } = this.#memory;
    const runs: Run[] = [];
    // The old ones are not kept until the new ones are there.
    this.#runs = runs;
    const gap = leastGap(this.#written, this.#stretches, MOST_RUNS);
    for (const stretch of this.#stretches) {
      const whole = Run.of(buffer, stretch);
      takePieces(this.#written, stretch.from, stretch.to, gap, (from, to, isWritten) => {
        runs.push(whole.part(from, to, isWritten));
      });
    }
  }
}

/** A part of a memory, with what it held. Its views are made once: to make one costs as much as to compare it. */
class Run {
  readonly from: number;
  readonly to: number;
  readonly isWritten: boolean;
  readonly #now: Buffer;
  readonly #then: Buffer | null;
  /** Of zeros: the first of them, all but the last, and all but the first. */
  readonly #first: Int32Array | null;
  readonly #before: Buffer | null;
  readonly #behind: Buffer | null;

  constructor(from: number, now: Buffer, then: Buffer | null, isWritten: boolean) {
    this.from = from;
    this.to = from + now.length / UNIT_BYTES;
    this.isWritten = isWritten;
    this.#now = now;
    this.#then = then;
    const comparesZeros = then === null && !isWritten;
    this.#first = comparesZeros ? new Int32Array(now.buffer, now.byteOffset, SHIFT_BYTES / 4) : null;
    this.#before = comparesZeros ? now.subarray(0, -SHIFT_BYTES) : null;
    this.#behind = comparesZeros ? now.subarray(SHIFT_BYTES) : null;
  }

  static of(buffer: ArrayBuffer, { from, to, bytes }: Stretch): Run {
    return new Run(from, Buffer.from(buffer, from * UNIT_BYTES, (to - from) * UNIT_BYTES), bytes, true);
  }

  get isDetached(): boolean {
    return this.#now.length === 0;
  }

  part(from: number, to: number, isWritten = false): Run {
    const [start, end] = [(from - this.from) * UNIT_BYTES, (to - this.from) * UNIT_BYTES];
    return new Run(from, this.#now.subarray(start, end), this.#then?.subarray(start, end) ?? null, isWritten);
  }

  get isSame(): boolean {
    if (this.#then !== null) return this.#now.equals(this.#then);
    for (let at = 0; at < SHIFT_BYTES / 4; at += 1) if (this.#first![at] !== 0) return false;
    return this.#before!.equals(this.#behind!);
  }

  putBack(): void {
    // A buffer's own is JavaScript, for texts.
    if (this.#then === null) fill.call(this.#now, 0);
    else this.#now.set(this.#then);
  }
}

/** What a memory holds. */
function stretchesOf(buffer: ArrayBuffer): Stretch[] {
  const units = buffer.byteLength / UNIT_BYTES;
  const all = Run.of(buffer, { from: 0, to: units, bytes: null });
  const filled = new Uint8Array(units);
  for (let unit = 0; unit < units; unit += 1) filled[unit] = all.part(unit, unit + 1).isSame ? 0 : 1;
  const stretches: Stretch[] = [];
  const gap = leastGap(filled, [{ from: 0, to: units }], MOST_STRETCHES);
  takePieces(filled, 0, units, gap, (from, to, isFilled) => {
    const bytes = isFilled ? Buffer.from(new Uint8Array(buffer, from * UNIT_BYTES, (to - from) * UNIT_BYTES)) : null;
    stretches.push({ from, to, bytes });
  });
  return stretches;
}
