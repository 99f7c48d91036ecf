import type { ByteReader } from '../binary/byte-reader.ts';
import type { CodeScan } from './function-scan.ts';
import { type Immediate, OP, readInstruction } from './instruction.ts';
import { skipValueType } from './module-shape.ts';

/** What of a module's own state outlives a call, as far as it decides whether that state can be put back from outside. */
export interface KeptState {
  /** Indices, counted among the module's own globals, of those that a guest can change. */
  readonly mutableGlobals: readonly number[];
  /** Whether the values of all of them are numbers: a vector cannot be read from outside, a reference need not be. */
  readonly plainGlobals: boolean;
}

/** Types of plain numbers: i32, i64, f32, f64. */
const NUMBERS: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c]);

/** Reads the global section of a module. */
export function readKeptState(section: ByteReader): KeptState {
  const mutableGlobals: number[] = [];
  const immediate: Immediate = { index: 0, labels: [] };
  let plainGlobals = true;
  const count = section.count('globals');
  for (let index = 0; index < count; index += 1) {
    const type = section.peek('the type of a global');
    skipValueType(section);
    if (section.u8('the mutability of a global') === 1) {
      mutableGlobals.push(index);
      plainGlobals &&= NUMBERS.has(type);
    }
    while (readInstruction(section, immediate) !== OP.end);
  }
  return { mutableGlobals, plainGlobals };
}

/** Whether memories and globals are all that a call can change for the next: tables and segments cannot be put back. */
export function isResettable(kept: KeptState, seen: CodeScan): boolean {
  return kept.plainGlobals && seen.tableWrites === 0 && seen.segmentDrops === 0;
}
