import { ByteWriter, signedLeb } from '../binary/byte-writer.ts';
import { readModuleShape, SECTION } from './module-shape.ts';

/** Zeros between two pieces of data that are cheaper written out than as two segments. */
const MERGED_ZEROS = 16;
const PREAMBLE_BYTES = 8;
const PAGE_BYTES = 65_536;

/** A core module that starts with `memory` in its only memory, in place of what it started with; all else of it is as it was. */
export function withMemoryImage(module: Uint8Array, memory: Uint8Array): Uint8Array {
  const { sections, memories } = readModuleShape(module);
  const [limits] = memories;
  if (limits === undefined || memories.length > 1)
    throw new Error(`expected a module with one memory, got ${memories.length}`);
  const pages = Math.ceil(memory.length / PAGE_BYTES);
  const segments = segmentsOf(memory);
  const out = new ByteWriter().bytes(module.subarray(0, PREAMBLE_BYTES));
  for (const { id, content } of sections) {
    if (id === SECTION.data) out.section(id, dataSection(memory, segments));
    else if (id === SECTION.dataCount) out.section(id, new ByteWriter().u32(segments.length));
    else if (id === SECTION.memory) {
      const most = limits.maximum === null ? null : Math.max(limits.maximum, pages);
      const flags = new ByteWriter()
        .u32(1)
        .u8(most === null ? 0 : 1)
        .u32(pages);
      out.section(id, most === null ? flags : flags.u32(most));
    } else out.section(id, new ByteWriter().bytes(content));
  }
  return out.finish();
}

type Segment = readonly [from: number, to: number];

/** Where the memory has other bytes than zero. */
function segmentsOf(memory: Uint8Array): Segment[] {
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length >> 3);
  const segments: Segment[] = [];
  let from = -1;
  let to = 0;
  for (let word = 0; word < words.length; word += 1) {
    if (words[word] === 0n) continue;
    let start = word * 8;
    let end = start + 8;
    while (memory[start] === 0) start += 1;
    while (memory[end - 1] === 0) end -= 1;
    if (from >= 0 && start - to <= MERGED_ZEROS) to = end;
    else {
      if (from >= 0) segments.push([from, to]);
      from = start;
      to = end;
    }
  }
  if (from >= 0) segments.push([from, to]);
  return segments;
}

function dataSection(memory: Uint8Array, segments: readonly Segment[]): ByteWriter {
  const out = new ByteWriter().u32(segments.length);
  for (const [from, to] of segments) {
    // Active, of memory 0, at a constant address.
    out.u8(0x00, 0x41).bytes(signedLeb(from)).u8(0x0b);
    out.u32(to - from).bytes(memory.subarray(from, to));
  }
  return out;
}
