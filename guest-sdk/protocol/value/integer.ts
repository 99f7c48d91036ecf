/** The integer types of WIT and their ranges; those up to 32 bits are JavaScript numbers, those of 64 bits are BigInt. */
export const INTEGER_RANGES = {
  u8: [0n, 0xffn],
  s8: [-0x80n, 0x7fn],
  u16: [0n, 0xffffn],
  s16: [-0x8000n, 0x7fffn],
  u32: [0n, 0xffff_ffffn],
  s32: [-0x8000_0000n, 0x7fff_ffffn],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
  s64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
} as const satisfies Record<string, readonly [bigint, bigint]>;

/** A WIT type that is an integer. */
export type IntegerKind = keyof typeof INTEGER_RANGES;

const NUMBER_RANGES = Object.fromEntries(
  Object.entries(INTEGER_RANGES).map(([kind, [low, high]]) => [kind, [Number(low), Number(high)]]),
) as unknown as Record<IntegerKind, readonly [number, number]>;

const DECIMAL = /^(0|-?[1-9][0-9]{0,19})$/;

/** The value as a number when it is a whole number in the range of a type of at most 32 bits, else undefined. */
export function smallInteger(kind: IntegerKind, value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  const [low, high] = NUMBER_RANGES[kind];
  return number >= low && number <= high ? number + 0 : undefined;
}

/**
 * The value as a BigInt when it is a whole number in the range of a 64-bit type, else undefined. An unsafe number is
 * refused: it was rounded before it came here.
 */
export function bigInteger(kind: 's64' | 'u64', value: unknown): bigint | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const integer = BigInt(value);
  const [low, high] = INTEGER_RANGES[kind];
  return integer >= low && integer <= high ? integer : undefined;
}

/** The integer that a decimal string writes, without leading zeros, plus or space, else undefined. */
export function parseDecimal(text: string): bigint | undefined {
  return DECIMAL.test(text) ? BigInt(text) : undefined;
}

/** A 64-bit integer as JSON carries it: a number when that is exact, else a decimal string. */
export function integerToJson(integer: bigint): number | string {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer.toString();
}
