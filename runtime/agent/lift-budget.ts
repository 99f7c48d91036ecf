import type { ByteSink } from '../wasi/index.ts';
import { GuestFailure } from './guest-failure.ts';
import { PassingSink } from './passing-sink.ts';

/** Under this name the glue finds the budget among its imports. No component can import it: it is no WIT name. */
export const LIFT_IMPORT = 'cloudlet:lift$';

/** What guests lift beside the values of typed calls, bytes: names, header fields, paths, a write that is under way. */
const SLACK_BYTES = 1024 * 1024;

/**
 * JavaScript heap that values lifted at once may take, bytes, by estimate: half of a worker's. An element of one byte in the guest is an
 * object here, and V8 ends the whole process when an array cannot grow.
 */
const HEAP_BYTES = 64 * 1024 * 1024;

/** What values cost on the heap, bytes, at most: an array, each of its elements with its objects, a view of copied bytes, a text. */
const ARRAY_COST = 64;
const ELEMENT_COST = 16;
const ELEMENT_COST_PER_BYTE = 8;
const VIEW_COST = 256;
const TEXT_COST = 32;

/** As many as the engine keeps on its heap. */
const FEW_BYTES = 64;

/** For all invocations: they keep nothing between two texts, and to make one costs more than most invocations. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTF16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });

/**
 * Bounds what one invocation may copy out of its memory at a time: with the arguments of one call to the host, or with its result. Without
 * it a guest of a few megabytes that returns two thousand lists which are all the same megabyte makes the agent hold two thousand
 * megabytes.
 */
export class LiftBudget {
  readonly #valueBytes: number;
  #leftBytes: number;
  #leftHeap = HEAP_BYTES;

  constructor(valueBytes: number) {
    this.#valueBytes = valueBytes;
    this.#leftBytes = valueBytes + SLACK_BYTES;
  }

  /**
   * Makes it what it was: for another call. What the host keeps of the arguments of the one before is bounded where it is kept; a guest that
   * opens a million files holds none of their names here.
   */
  refill(): void {
    this.#leftBytes = this.#valueBytes + SLACK_BYTES;
    this.#leftHeap = HEAP_BYTES;
  }

  /** The array for a list that is lifted element by element, each of so many bytes in the guest. A negative length is one beyond 2^31. */
  list(length: number, elementBytes: number): unknown[] {
    if (length < 0) throw new RangeError('a list lies outside of the memory');
    this.#spendHeap(ARRAY_COST + length * (ELEMENT_COST + elementBytes * ELEMENT_COST_PER_BYTE));
    return [];
  }

  /** A copy of the memory from `from` to `to`. A list that points outside is a trap: a plain `slice` would shorten it. */
  bytes(memory: ArrayBuffer, from: number, to: number): ArrayBuffer {
    if (from < 0 || to < from || to > memory.byteLength) throw new RangeError('a list lies outside of the memory');
    this.#spendHeap(VIEW_COST);
    this.spend(to - from);
    return memory.slice(from, to);
  }

  /** The same as a list. Few bytes come to lie beside other values: memory of their own costs more to have, and to give back, than to fill. */
  list8(memory: Uint8Array<ArrayBuffer>, from: number, length: number): Uint8Array {
    if (length > FEW_BYTES) return new Uint8Array(this.bytes(memory.buffer, from, from + length));
    if (from < 0 || length < 0 || from + length > memory.length)
      throw new RangeError('a list lies outside of the memory');
    this.#spendHeap(VIEW_COST);
    this.spend(length);
    return memory.slice(from, from + length);
  }

  /** A string in UTF-8 of the memory. A short one of ASCII, as nearly all are, needs no view and no decoder. */
  text8(memory: Uint8Array<ArrayBuffer>, from: number, length: number): string {
    if (from < 0 || length < 0 || from + length > memory.length)
      throw new RangeError('a text lies outside of the memory');
    if (length > FEW_BYTES || !isAscii(memory, from, from + length)) {
      return this.utf8(new Uint8Array(memory.buffer, from, length));
    }
    this.#spendHeap(TEXT_COST);
    this.spend(length);
    return latin1Slice.call(memory, from, from + length);
  }

  /** A string in UTF-8. Bytes that are none are a trap, as the component model wants. */
  utf8(bytes: Uint8Array): string {
    this.#spendHeap(TEXT_COST);
    this.spend(bytes.byteLength);
    return UTF8.decode(bytes);
  }

  /** A string in UTF-16. */
  utf16(units: Uint16Array): string {
    this.#spendHeap(TEXT_COST);
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

  #spendHeap(bytes: number): void {
    this.#leftHeap -= bytes;
    if (this.#leftHeap >= 0) return;
    throw new GuestFailure(
      'result-too-large',
      'the function gave more values at once than fit into memory; give large data as bytes or text, or in several calls',
    );
  }
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at]! > 0x7f) return false;
  return true;
}

/** What `toString` calls, without a `Buffer` made for it. */
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: { call(bytes: Uint8Array, start: number, end: number): string };
};

/** Where the glue of asynchronous components begins to lift a list value by value, and what JavaScript takes for each beside its bytes. */
const LISTED = /const readValuesAndReset = \(ctx, originalPtr, originalLen, dataPtr, len\) => \{\n/;
const VALUE_BYTES = 8;

/** A list of bytes. */
const BYTES = /\bnew Uint8Array\((memory\d+)\.buffer\.slice\((ptr\d+), \2 \+ (len\d+) \* 1\)\)/g;

const HEAD = /^export (?:async )?function instantiate\([^)]*\) \{/m;

/** Lists that are no numbers: an array, a loop over the elements, and how many bytes each takes. */
const LIST =
  /\bvar result(\d+) = \[\];(\s+for \(let i = 0; i < len\1; i\+\+\) \{\s+const base = base\1 \+ i \* (\d+);)/g;

/** Where a call from the guest to the host begins, and where the guest has returned: what is lifted next is for another call. */
const CALL =
  /^( *)((?:function trampoline\d+|const trampoline\d+ = new WebAssembly\.Suspending\(async function)\([^)]*\) \{|const ret = await .*;)$/gm;

/**
 * The glue with every copy out of a memory going through the budget. The glue is generated: it copies lists of numbers by `slice` of a
 * memory's buffer, other lists by a loop (that of asynchronous components by one function), and strings by one of two decoders. Throws when it
 * is not of that form.
 */
export function budgetLifts(glue: string): string {
  const head = HEAD.exec(glue);
  if (head === null) throw new Error('expected glue that exports a function instantiate');
  // A name with `$` is no WIT name in JavaScript's clothes, so nothing in the glue can hide it.
  const begin = head.index + head[0].length;
  return `${glue.slice(0, begin)} const lift$ = imports['${LIFT_IMPORT}'];${glue
    .slice(begin)
    .replace(BYTES, 'lift$$.list8(new Uint8Array($1.buffer), $2, $3)')
    .replace(/\b(memory\d+)\.buffer\.slice\(/g, 'lift$$.bytes($1.buffer, ')
    .replace(/\butf(8|16)Decoder\.decode\(/g, 'lift$$.utf$1(')
    .replace(/\bTEXT_DECODER_UTF(8|16)\.decode\(/g, 'lift$$.utf$1(')
    .replace(LISTED, `$&      lift$$.spend(len * (elemSize32 + ${VALUE_BYTES}));\n`)
    .replace(LIST, 'var result$1 = lift$$.list(len$1, $3);$2')
    .replace(CALL, '$1$2\n$1  lift$$.refill();')}`;
}
