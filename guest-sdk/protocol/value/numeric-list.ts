import type { WitType } from '../wit-type.ts';

/**
 * The typed array that the bindings take and give for a `list` of this type; they copy its bytes as they are, so that a
 * plain array would be misread.
 */
export const NUMERIC_ARRAYS = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** A WIT type whose lists are typed arrays. */
export type NumericKind = keyof typeof NUMERIC_ARRAYS;

/** Whether lists of a kind of type are typed arrays. */
export function isNumericKind(kind: WitType['kind']): kind is NumericKind {
  return Object.hasOwn(NUMERIC_ARRAYS, kind);
}
