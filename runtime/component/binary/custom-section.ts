import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readPreamble } from './preamble.ts';

const CUSTOM = 0;

/** Where a custom section of a component stands, and what is in it. */
export interface CustomSection {
  readonly from: number;
  readonly to: number;
  readonly content: Uint8Array;
}

/** The last custom section of a name, of a component or module itself and not of what is inside; null when there is none. */
export function findCustomSection(binary: Uint8Array, name: string): CustomSection | null {
  const reader = new ByteReader(binary);
  readPreamble(reader);
  let found: CustomSection | null = null;
  while (!reader.done) {
    const from = reader.at;
    const id = reader.u8('a section');
    const section = reader.part(reader.u32('the length of a section'), 'a section');
    if (id !== CUSTOM || section.name('the name of a custom section') !== name) continue;
    found = { from, to: section.end, content: binary.subarray(section.at, section.end) };
  }
  return found;
}

/** The same binary with another custom section at its end. */
export function withCustomSection(binary: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  return new ByteWriter().bytes(binary).section(CUSTOM, new ByteWriter().name(name).bytes(content)).finish();
}

/** The same binary without the custom section of a name. */
export function withoutCustomSection(binary: Uint8Array, name: string): Uint8Array {
  const found = findCustomSection(binary, name);
  if (found === null) return binary;
  return new ByteWriter().bytes(binary.subarray(0, found.from)).bytes(binary.subarray(found.to)).finish();
}
