import { ByteReader } from '../binary/byte-reader.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { readPreamble } from '../binary/preamble.ts';
import { readSort } from '../inspect/alias-reader.ts';
import { readExternName } from '../inspect/definition-reader.ts';

/** A component whose world functions have plain names, and the new name of each by its old one. */
export interface RenamedComponent {
  readonly bytes: Uint8Array;
  readonly names: ReadonlyMap<string, string>;
}

const EXPORT_SECTION = 11;

/**
 * Gives the functions that a component exports directly the names `worldfn0`, `worldfn1`, …
 * The lean generator finds such an export by turning its JavaScript name back into a WIT name, and panics where that is not
 * the same name (`scale-x-y` → `scaleXY` → `scale-xy`). Names in exported interfaces do not take this way.
 */
export function renameWorldFunctions(component: Uint8Array): RenamedComponent {
  const reader = new ByteReader(component);
  readPreamble(reader);
  const out = new ByteWriter().bytes(component.subarray(0, reader.at));
  const names = new Map<string, string>();
  while (!reader.done) {
    const start = reader.at;
    const id = reader.u8('a section');
    const section = reader.part(reader.u32('the length of a section'), 'a section');
    if (id === EXPORT_SECTION) out.section(id, renameExports(section, names));
    else out.bytes(component.subarray(start, section.end));
  }
  return { bytes: out.finish(), names };
}

function renameExports(section: ByteReader, names: Map<string, string>): ByteWriter {
  const out = new ByteWriter();
  const count = section.count('exports');
  out.u32(count);
  for (let left = count; left > 0; left -= 1) {
    const start = section.at;
    const name = readExternName(section);
    const afterName = section.at;
    const sort = readSort(section);
    section.skipLeb('the index of an export');
    if (section.u8('whether an export has a type of its own') === 1) skipExternDescription(section);
    if (sort === 'func') {
      const plain = `worldfn${names.size}`;
      names.set(name, plain);
      out.u8(0x00).name(plain).bytes(section.bytes.subarray(afterName, section.at));
    } else {
      out.bytes(section.bytes.subarray(start, section.at));
    }
  }
  return out;
}

function skipExternDescription(section: ByteReader): void {
  const sort = section.u8('the sort of an export');
  if (sort === 0x00) section.u8('the sort of a core export');
  // A type bound "sub resource" has no index.
  if (sort === 0x03 && section.u8('the bound of a type') === 0x01) return;
  section.skipLeb('the index of a type');
}
