import type { ValueFormat } from './value-format.ts';

const NAMED: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** `JSON.rawJSON` where the platform has it; the language's type library does not describe it yet. */
const rawJson = (JSON as { readonly rawJSON?: (text: string) => object }).rawJSON;

/** A float from plain data: a number, an integer that a double holds exactly, or one of the three names; else undefined. */
export function floatOfPlain(data: unknown): number | undefined {
  if (typeof data === 'number') return data;
  if (typeof data === 'string') return NAMED.get(data);
  if (typeof data === 'bigint' && BigInt(Number(data)) === data) return Number(data);
  return undefined;
}

/** The nearest f32, or undefined for a finite number that lies beyond the largest one. */
export function toF32(number: number): number | undefined {
  const rounded = Math.fround(number);
  return Number.isFinite(number) && !Number.isFinite(rounded) ? undefined : rounded;
}

/** A float as plain data: its name when it is not finite, and for JSON a minus zero that `JSON.stringify` does not lose. */
export function floatToPlain(number: number, format: ValueFormat): unknown {
  if (!Number.isFinite(number)) return String(number);
  if (format === 'json' && Object.is(number, -0)) return rawJson?.('-0') ?? number;
  return number;
}
