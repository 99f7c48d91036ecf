import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { ByteWriter } from '../binary/byte-writer.ts';

/** Sizes of a memory (in pages of 64 KiB) or of a table (in elements). */
export interface Limits {
  readonly minimum: number;
  readonly maximum: number | null;
}

/** Elements of all tables of a component together, each about 24 bytes of the host. */
export const MAX_TABLE_ELEMENTS = 1_000_000;
/** Memories of a module; each reserves gigabytes of address space. */
const MAX_MEMORIES = 8;

/** Reads the limits of a linear memory; refuses shared, 64-bit and odd-sized ones. */
export function readMemoryLimits(reader: ByteReader): Limits {
  return readLimits(reader, 'memory');
}

/** A table: the bytes before its limits, its limits and the bytes after them. */
export interface TableType {
  readonly head: Uint8Array;
  readonly limits: Limits;
}

/** Reads the element type and limits of a table. */
export function readTableType(reader: ByteReader): TableType {
  const start = reader.at;
  const byte = reader.u8('the element type of a table');
  if (byte === 0x63 || byte === 0x64) reader.skipLeb('a heap type', 33);
  const head = reader.bytes.subarray(start, reader.at);
  return { head, limits: readLimits(reader, 'table') };
}

/** The content of a memory section whose memories may not grow beyond `maximumPages`, or beyond what they say themselves. */
export function limitMemories(memories: readonly Limits[], maximumPages: (declared: Limits) => number): Uint8Array {
  if (memories.length > MAX_MEMORIES) {
    throw refused(`expected at most ${MAX_MEMORIES} memories in a core module, got ${memories.length}`);
  }
  const out = new ByteWriter().u32(memories.length);
  for (const declared of memories) {
    const maximum = Math.min(declared.maximum ?? Number.POSITIVE_INFINITY, maximumPages(declared));
    out.u8(0x01).u32(declared.minimum).u32(Math.max(maximum, declared.minimum));
  }
  return out.finish();
}

/**
 * The content of a table section whose tables cannot grow beyond what a host can spare, and how many elements they have at the start.
 * `sharers`: instances, this module's and others', among which that is divided.
 */
export function limitTables(section: ByteReader, sharers: number): { content: Uint8Array; elements: number } {
  const count = section.count('tables');
  const share = Math.floor(MAX_TABLE_ELEMENTS / Math.max(count * sharers, 1));
  const out = new ByteWriter().u32(count);
  let elements = 0;
  for (let left = count; left > 0; left -= 1) {
    // A table with an initial value for its elements starts with 0x40 0x00 and ends with an expression.
    const initialised = section.peek('a table') === 0x40;
    if (initialised) out.bytes(section.take(2, 'a table'));
    const { head, limits } = readTableType(section);
    elements += limits.minimum;
    if (elements > MAX_TABLE_ELEMENTS) {
      throw refused(`expected tables of at most ${MAX_TABLE_ELEMENTS} elements together, got more`);
    }
    const maximum = Math.max(limits.minimum, Math.min(limits.maximum ?? share, share));
    out.bytes(head).u8(0x01).u32(limits.minimum).u32(maximum);
    if (initialised) out.bytes(readInitialValue(section));
  }
  return { content: out.finish(), elements };
}

function readInitialValue(section: ByteReader): Uint8Array {
  const start = section.at;
  const opcode = section.u8('the initial value of a table');
  if (opcode !== 0xd0 && opcode !== 0xd2 && opcode !== 0x23)
    throw section.malformed('a null, function or global as initial value');
  section.skipLeb('an index', 33);
  if (section.u8('the end of an expression') !== 0x0b) throw section.malformed('the end of an expression');
  return section.bytes.subarray(start, section.at);
}

function readLimits(reader: ByteReader, what: 'memory' | 'table'): Limits {
  const flags = reader.u8(`the limits of a ${what}`);
  if (flags & 0x02)
    throw refused(`the component uses threads (a shared ${what}), which cannot run here; build it without them`);
  if (flags & 0x04)
    throw refused(`the component uses a 64-bit ${what}, which cannot run here; build it for 32-bit addresses`);
  if (flags & 0x08) throw refused('the component uses memory pages of its own size, which cannot run here');
  if (flags > 0x01) throw reader.malformed(`the limits of a ${what}`);
  const minimum = reader.u32('a minimum');
  return { minimum, maximum: flags === 0x01 ? reader.u32('a maximum') : null };
}
