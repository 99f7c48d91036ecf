import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { skipValueType } from './module-shape.ts';

/** Opcodes that the rewriter treats specially. Opcodes with a prefix are `prefix << 8 | number`. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  tableSet: 0x26,
  memoryGrow: 0x40,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  memoryInit: 0xfc08,
  dataDrop: 0xfc09,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
  tableInit: 0xfc0c,
  elemDrop: 0xfc0d,
  tableCopy: 0xfc0e,
  tableGrow: 0xfc0f,
  tableFill: 0xfc11,
} as const;

/** Number of LEB128 immediates of the instructions without a prefix that have nothing but such. */
const IMMEDIATES: ReadonlyMap<number, number> = new Map([
  [OP.catch, 1],
  [OP.throw, 1],
  [OP.rethrow, 1],
  [OP.callIndirect, 2],
  [OP.returnCall, 1],
  [OP.returnCallIndirect, 2],
  [OP.callRef, 1],
  [OP.returnCallRef, 1],
  [OP.delegate, 1],
  [0x20, 1], // local.get
  [0x21, 1],
  [0x22, 1],
  [0x23, 1], // global.get
  [0x24, 1],
  [0x25, 1], // table.get
  [OP.tableSet, 1],
  [0x3f, 1], // memory.size
  [OP.memoryGrow, 1],
  [0xd0, 1], // ref.null
  [0xd2, 1], // ref.func
]);

/** Instructions of the 0xfc prefix by number: their count of LEB128 immediates. */
const NUMERIC_IMMEDIATES = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/** What an instruction refers to; filled by `readInstruction`. */
export interface Immediate {
  /** The function that a `call` calls. */
  index: number;
  /** Labels that a branch may go to, or that the exceptions of a `try_table` go to. */
  readonly labels: number[];
}

/** Steps over one instruction and gives its opcode. */
export function readInstruction(reader: ByteReader, immediate: Immediate): number {
  const opcode = reader.u8('an instruction');
  const { labels } = immediate;
  labels.length = 0;
  switch (opcode) {
    case OP.block:
    case OP.loop:
    case OP.if:
    case OP.try:
      skipBlockType(reader);
      return opcode;
    case OP.call:
      immediate.index = reader.u32('the index of a function');
      return opcode;
    case OP.br:
    case OP.brIf:
    case OP.brOnNull:
    case OP.brOnNonNull:
      labels.push(reader.u32('a label'));
      return opcode;
    case OP.brTable:
      for (let left = reader.count('targets of a branch') + 1; left > 0; left -= 1) labels.push(reader.u32('a label'));
      return opcode;
    case 0x1c: // select with types
      for (let left = reader.count('types of a select'); left > 0; left -= 1) skipValueType(reader);
      return opcode;
    case OP.tryTable:
      skipBlockType(reader);
      for (let left = reader.count('catch clauses'); left > 0; left -= 1) {
        if (reader.u8('a catch clause') < 2) reader.skipLeb('a tag');
        labels.push(reader.u32('a label'));
      }
      return opcode;
    case 0x41: // i32.const
      reader.skipLeb('a constant');
      return opcode;
    case 0x42: // i64.const
      reader.skipLeb('a constant', 64);
      return opcode;
    case 0x43: // f32.const
      reader.skip(4, 'a constant');
      return opcode;
    case 0x44: // f64.const
      reader.skip(8, 'a constant');
      return opcode;
    case 0xfb:
      throw refused('the component uses instructions of the GC feature, which cannot run here; build it without');
    case 0xfc:
      return readNumeric(reader);
    case 0xfd:
      return readVector(reader);
    case 0xfe:
      throw refused('the component uses atomic instructions (threads), which cannot run here; build it without them');
  }
  if (opcode >= 0x28 && opcode <= 0x3e) {
    skipMemoryArgument(reader);
    return opcode;
  }
  for (let left = IMMEDIATES.get(opcode) ?? 0; left > 0; left -= 1) reader.skipLeb('an index', 33);
  if (!isKnown(opcode))
    throw refused(`the component uses instruction 0x${opcode.toString(16)}, which is not known here`);
  return opcode;
}

function isKnown(opcode: number): boolean {
  if (IMMEDIATES.has(opcode) || (opcode >= 0x45 && opcode <= 0xc4)) return true;
  // unreachable, nop, else, throw_ref, end, return, catch_all, drop, select, ref.is_null, ref.eq, ref.as_non_null
  return [0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4].includes(opcode);
}

function skipBlockType(reader: ByteReader): void {
  const byte = reader.peek('a block type');
  if (byte === 0x63 || byte === 0x64) skipValueType(reader);
  else reader.skipLeb('a block type', 33);
}

function skipMemoryArgument(reader: ByteReader): void {
  const alignment = reader.u32('an alignment');
  if (alignment & 0x40) reader.skipLeb('a memory index');
  reader.skipLeb('an offset', 64);
}

function readNumeric(reader: ByteReader): number {
  const number = reader.u32('an instruction');
  const immediates = NUMERIC_IMMEDIATES[number];
  if (immediates === undefined) throw refused(`the component uses instruction 0xfc ${number}, which is not known here`);
  for (let left = immediates; left > 0; left -= 1) reader.skipLeb('an index');
  return (0xfc << 8) | number;
}

function readVector(reader: ByteReader): number {
  const number = reader.u32('a vector instruction');
  if (number > 0x113) throw refused(`the component uses instruction 0xfd ${number}, which is not known here`);
  if (number <= 11 || number === 92 || number === 93) skipMemoryArgument(reader);
  else if (number === 12 || number === 13) reader.skip(16, 'lanes');
  else if (number >= 21 && number <= 34) reader.skip(1, 'a lane');
  else if (number >= 84 && number <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1, 'a lane');
  }
  return (0xfd << 8) | number;
}
