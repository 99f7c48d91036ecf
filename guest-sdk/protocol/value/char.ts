/**
 * Whether a value is a string of exactly one Unicode scalar value, which is what `char` is: no surrogate, no combining
 * sequence.
 */
export function isScalarValue(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2 || !value.isWellFormed()) return false;
  return value.length === 1 || value.codePointAt(0)! > 0xffff;
}
