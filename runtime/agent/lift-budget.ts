import type { ByteSink } from '../wasi/index.ts';
import { GuestFailure } from './guest-failure.ts';
import { PassingSink } from './passing-sink.ts';

/** Under this name the glue finds the budget among its imports. No component can import it: it is no WIT name. */
export const LIFT_IMPORT = 'cloudlet:lift$';

/** What guests lift beside the values of typed calls, bytes: names, header fields, paths, a write that is under way. */
const SLACK_BYTES = 1024 * 1024;

/** For all invocations: they keep nothing between two texts, and to make one costs more than most invocations. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTF16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });

/**
 * Bounds what one invocation may copy out of its memory at a time. Without it a guest of a few megabytes that returns two thousand
 * lists which are all the same megabyte makes the agent hold two thousand megabytes.
 */
export class LiftBudget {
  readonly #valueBytes: number;
  #leftBytes: number;

  constructor(valueBytes: number) {
    this.#valueBytes = valueBytes;
    this.#leftBytes = valueBytes + SLACK_BYTES;
  }

  /** Makes it what it was, for another invocation. */
  refill(): void {
    this.#leftBytes = this.#valueBytes + SLACK_BYTES;
  }

  /** A copy of the memory from `from` to `to`. A list that points outside is a trap: a plain `slice` would shorten it. */
  bytes(memory: ArrayBuffer, from: number, to: number): ArrayBuffer {
    if (from < 0 || to < from || to > memory.byteLength) throw new RangeError('a list lies outside of the memory');
    this.spend(to - from);
    return memory.slice(from, to);
  }

  /** A string in UTF-8. Bytes that are none are a trap, as the component model wants. */
  utf8(bytes: Uint8Array): string {
    this.spend(bytes.byteLength);
    return UTF8.decode(bytes);
  }

  /** A string in UTF-16. */
  utf16(units: Uint16Array): string {
    this.spend(units.byteLength);
    return UTF16.decode(units);
  }

  /** The same sink; what it takes has gone on its way and need not be counted any more. */
  onTheWay(sink: ByteSink): ByteSink {
    return new PassingSink(sink, (bytes) => this.passed(bytes));
  }

  /** Bytes that the guest gave have gone on their way. */
  passed(bytes: number): void {
    this.#leftBytes = Math.min(this.#leftBytes + bytes, this.#valueBytes + SLACK_BYTES);
  }

  /** Counts what is copied, here or value by value in the glue. */
  spend(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes >= 0) return;
    throw new GuestFailure(
      'result-too-large',
      `the function gave more than ${this.#valueBytes} bytes at once, which is the limit`,
    );
  }
}

/** Where the glue of asynchronous components begins to lift a list value by value, and what JavaScript takes for each beside its bytes. */
const LISTED = /const readValuesAndReset = \(ctx, originalPtr, originalLen, dataPtr, len\) => \{\n/;
const VALUE_BYTES = 8;

const HEAD = /^export (?:async )?function instantiate\([^)]*\) \{/m;

/**
 * The glue with every copy out of a memory going through the budget. The glue is generated: it copies lists by `slice` of a
 * memory's buffer and strings by one of two decoders; that of asynchronous components lifts lists by one function. Throws when it is not of that form.
 */
export function budgetLifts(glue: string): string {
  const head = HEAD.exec(glue);
  if (head === null) throw new Error('expected glue that exports a function instantiate');
  // A name with `$` is no WIT name in JavaScript's clothes, so nothing in the glue can hide it.
  const begin = head.index + head[0].length;
  return `${glue.slice(0, begin)} const lift$ = imports['${LIFT_IMPORT}'];${glue
    .slice(begin)
    .replace(/\b(memory\d+)\.buffer\.slice\(/g, 'lift$$.bytes($1.buffer, ')
    .replace(/\butf(8|16)Decoder\.decode\(/g, 'lift$$.utf$1(')
    .replace(/\bTEXT_DECODER_UTF(8|16)\.decode\(/g, 'lift$$.utf$1(')
    .replace(LISTED, `$&      lift$$.spend(len * (elemSize32 + ${VALUE_BYTES}));\n`)}`;
}
