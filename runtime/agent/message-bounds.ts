import { WireError } from './wire-error.ts';

/** Arrays and maps within one another; our messages have at most 4. */
const MAX_DEPTH = 16;

/** Values in one message, keys among them: what a load of some 20,000 exports takes. */
const MAX_VALUES = 2 ** 18;

/** Bytes after the code of a value that has no length of its own. */
const PLAIN: ReadonlyMap<number, number> = new Map([
  [0xc0, 0], // nil
  [0xc2, 0], // false
  [0xc3, 0], // true
  [0xca, 4], // floats
  [0xcb, 8],
  [0xcc, 1], // unsigned integers
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1], // signed integers
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

type Content = 'bytes' | 'text' | 'array' | 'map';

/** Bytes of the length that follows the code, and what it is the length of. */
const SIZED: ReadonlyMap<number, readonly [lengthBytes: 1 | 2 | 4, content: Content]> = new Map([
  [0xc4, [1, 'bytes']],
  [0xc5, [2, 'bytes']],
  [0xc6, [4, 'bytes']],
  [0xd9, [1, 'text']],
  [0xda, [2, 'text']],
  [0xdb, [4, 'text']],
  [0xdc, [2, 'array']],
  [0xdd, [4, 'array']],
  [0xde, [2, 'map']],
  [0xdf, [4, 'map']],
]);

/** Where a text lies: its header from `at`, its bytes from `start`, as many as `length`. */
export interface TextPlace {
  readonly at: number;
  readonly start: number;
  readonly length: number;
}

/**
 * Makes sure, before anything is allocated for it, that the bytes are one MessagePack value, whole, with nothing after it, of
 * bounded depth and number of values, and of plain types only. Extension types are refused because a decoder makes regular
 * expressions, cycles and records with readers of their own out of them, and one of them (bundled strings) points anywhere
 * into the frame: 6 bytes of a hostile peer then cost the decoding of all others.
 * Gives the places of the texts of more than `longText` bytes. Throws `WireError`.
 */
export function checkBounds(bytes: Uint8Array, longText: number): TextPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: TextPlace[] = [];
  const open: number[] = []; // how many values each array or map around this one still waits for
  let awaited = 1;
  let at = 0;
  for (let values = 0; ; values += 1) {
    while (awaited === 0 && open.length > 0) awaited = open.pop()!;
    if (awaited === 0) break;
    if (values === MAX_VALUES) throw refused(`at most ${MAX_VALUES} values, got more`);
    awaited -= 1;
    const { content, length, start } = header(view, at);
    const end = content === 'bytes' || content === 'text' ? start + length : start;
    if (end > bytes.length) throw refused(`${end - bytes.length} more bytes: it is cut short`);
    if (content === 'text' && length > longText) texts.push({ at, start, length });
    at = end;
    if (content === 'bytes' || content === 'text') continue;
    if (open.length === MAX_DEPTH) throw refused(`at most ${MAX_DEPTH} arrays or maps within one another, got more`);
    open.push(awaited);
    awaited = content === 'map' ? length * 2 : length;
  }
  if (at < bytes.length) throw refused(`one value, got ${bytes.length - at} more bytes after it`);
  return texts;
}

/** The header of the value at an offset: what follows it, as many bytes, items or pairs as `length` says, from `start`. */
function header(
  view: DataView,
  at: number,
): { readonly content: Content; readonly length: number; readonly start: number } {
  const start = at + 1;
  if (at >= view.byteLength) throw refused('1 more byte: it is cut short');
  const code = view.getUint8(at);
  if (code < 0x80 || code >= 0xe0) return { content: 'bytes', length: 0, start };
  if (code < 0x90) return { content: 'map', length: code & 0x0f, start };
  if (code < 0xa0) return { content: 'array', length: code & 0x0f, start };
  if (code < 0xc0) return { content: 'text', length: code & 0x1f, start };
  const plain = PLAIN.get(code);
  if (plain !== undefined) return { content: 'bytes', length: plain, start };
  const sized = SIZED.get(code);
  if (sized === undefined) throw refused(`plain values, got one that begins with 0x${code.toString(16)}`);
  const [width, content] = sized;
  if (start + width > view.byteLength) throw refused('the rest of a length: it is cut short');
  const length = width === 1 ? view.getUint8(start) : width === 2 ? view.getUint16(start) : view.getUint32(start);
  return { content, length, start: start + width };
}

function refused(sentence: string): WireError {
  return new WireError(`expected a message of MessagePack with ${sentence}`);
}
