import { Packr, RESET_BUFFER_MODE } from 'msgpackr/index-no-eval';
import { checkBounds, type TextPlace } from './message-bounds.ts';
import { WireError } from './wire-error.ts';

/**
 * MessagePack that any decoder reads: maps in their shortest form instead of records, bytes as bin, no extension types.
 * This entry of the package neither compiles readers nor looks for its native addon, and shares no state with the main one.
 */
const PACKR = new Packr({
  useRecords: false,
  moreTypes: false,
  structuredClone: false,
  useToJSON: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
});

/** Longest text, in bytes, at whose start the decoder leaves a U+FEFF alone. In longer ones it drops it as a mark of the encoding. */
const MARK_STAYS_BYTES = 64;

/** The bytes of U+FEFF. */
const MARK = [0xef, 0xbb, 0xbf] as const;

/** Encodes a message as MessagePack. The values of typed calls are none: they travel as bodies in the encoding of the protocol's `writeBindingValue`. */
export function encodeMessage(message: unknown): Uint8Array {
  // The packer writes into a buffer that it keeps; what it gives is copied, so that the buffer can be used again at once.
  return new Uint8Array(PACKR.pack(message, RESET_BUFFER_MODE));
}

/**
 * Decodes what `encodeMessage` made; bytes in it are views of `bytes`. Anything that is not bounded, plain MessagePack is a
 * `WireError`. The shape of the result must be checked: whoever broke out of a guest may have made it.
 */
export function decodeMessage(bytes: Uint8Array): unknown {
  const marked = checkBounds(bytes, MARK_STAYS_BYTES).filter(({ start }) =>
    MARK.every((byte, index) => bytes[start + index] === byte),
  );
  // A view of our own: the decoder notes things on what it is given, and gives bytes of the class that it is given.
  const plain =
    marked.length > 0 ? withMarksDoubled(bytes, marked) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    return PACKR.unpack(plain);
  } catch (error) {
    throw new WireError(`expected MessagePack, got bytes that do not decode: ${(error as Error).message}`);
  }
}

/** A copy in which each of the texts begins with one more U+FEFF, for the decoder to drop. */
function withMarksDoubled(bytes: Uint8Array, texts: readonly TextPlace[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { at, start, length } of texts) {
    const head = new Uint8Array(5 + MARK.length);
    head[0] = 0xdb; // text with a length of 32 bits
    new DataView(head.buffer).setUint32(1, length + MARK.length);
    head.set(MARK, 5);
    parts.push(bytes.subarray(from, at), head);
    from = start;
  }
  parts.push(bytes.subarray(from));
  const joined = Buffer.concat(parts);
  return new Uint8Array(joined.buffer, joined.byteOffset, joined.length);
}
