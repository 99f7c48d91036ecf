import { readMessagePack } from './message-pack-reader.ts';
import { type Extension, writeMessagePack } from './message-pack-writer.ts';

/**
 * What the bindings' values need beyond plain MessagePack: `undefined`, and typed arrays, whose data is a code and then
 * their bytes in little-endian order. The numbers are those of the msgpackr package, so that its decoder reads them too.
 */
const UNDEFINED = 0;
const TYPED_ARRAY = 0x74;

const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/**
 * Writes the arguments, or the result, of a typed call as the bindings of a component take or give them. A minus zero stays
 * one.
 */
export function writeBindingValue(value: unknown): Uint8Array {
  return writeMessagePack(value, { extension: writeExtension });
}

/**
 * Reads what `writeBindingValue` wrote. The bytes may be a hostile guest's: only plain values, `undefined` and typed arrays
 * are known, so that nothing of a richer decoder (classes, shared structures, code that it compiles) can be reached.
 */
export function readBindingValue(bytes: Uint8Array): unknown {
  return readMessagePack(bytes, { extension: readExtension });
}

function writeExtension(value: unknown): Extension | undefined {
  if (value === undefined) return { type: UNDEFINED, data: Uint8Array.of(0) };
  const code = TYPED_ARRAYS.findIndex((TypedArray) => value instanceof TypedArray);
  if (code < 0) return undefined;
  const { buffer, byteOffset, byteLength } = value as ArrayBufferView;
  const data = new Uint8Array(byteLength + 1);
  data[0] = code;
  data.set(new Uint8Array(buffer, byteOffset, byteLength), 1);
  return { type: TYPED_ARRAY, data };
}

function readExtension(type: number, data: Uint8Array): { readonly value: unknown } | undefined {
  if (type === UNDEFINED) return { value: undefined };
  const TypedArray = type === TYPED_ARRAY ? TYPED_ARRAYS[data[0] ?? TYPED_ARRAYS.length] : undefined;
  if (TypedArray === undefined || (data.length - 1) % TypedArray.BYTES_PER_ELEMENT !== 0) return undefined;
  return { value: new TypedArray(data.slice(1).buffer) };
}
