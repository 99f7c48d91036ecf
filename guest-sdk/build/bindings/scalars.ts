import type { WitType } from '../../protocol/index.ts';

/** Scalars of WIT as Rust and AssemblyScript both call them. */
export const SCALARS = {
  bool: 'bool',
  s8: 'i8',
  u8: 'u8',
  s16: 'i16',
  u16: 'u16',
  s32: 'i32',
  u32: 'u32',
  s64: 'i64',
  u64: 'u64',
  f32: 'f32',
  f64: 'f64',
} as const satisfies Readonly<Partial<Record<WitType['kind'], string>>>;

/** The unsigned integer of so many bytes, likewise. */
export const UNSIGNED = { 1: 'u8', 2: 'u16', 4: 'u32' } as const;
