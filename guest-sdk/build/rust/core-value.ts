import type { FlatType } from '../bindings/flat-type.ts';

/** Core types as Rust writes them. */
export const CORE_TYPES: Readonly<Record<FlatType, string>> = { i32: 'i32', i64: 'i64', f32: 'f32', f64: 'f64' };

/** A core value as 64 bits, of any core type but i32, whose sign must not be carried on. */
export function bitsOf(type: FlatType, name: string): string {
  if (type === 'i32') return `${name} as u32 as u64`;
  return type === 'i64' ? `${name} as u64` : `${name}.to_bits() as u64`;
}

/** 64 bits as a core value. */
export function fromBits(type: string, bits: string): string {
  if (type === 'f32') return `f32::from_bits(${bits} as u32)`;
  return type === 'f64' ? `f64::from_bits(${bits})` : `${bits} as ${type}`;
}
