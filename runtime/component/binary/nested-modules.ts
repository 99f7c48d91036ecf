import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readPreamble } from './preamble.ts';

const PREAMBLE_BYTES = 8;
/** Deepest nesting of components that is followed: nobody builds deeper ones, and a file must not exhaust the stack. */
const MAX_DEPTH = 16;
const SECTION = { coreModule: 1, component: 4 } as const;

/** Replaces a core module of a component, named by its place in the file; null leaves it as it is. */
export type ModuleChange = (module: Uint8Array, index: number) => Uint8Array | null;

/**
 * A component in which core modules, also those of components inside it, are replaced; all else keeps its bytes. Throws
 * `component-refused` for bytes that are no component.
 */
export function changeModules(component: Uint8Array, change: ModuleChange): Uint8Array {
  let index = 0;
  const rewrite = (reader: ByteReader, depth: number): ByteWriter => {
    const out = new ByteWriter().bytes(reader.bytes.subarray(reader.at, reader.at + PREAMBLE_BYTES));
    if (readPreamble(reader) !== 'component' || depth > MAX_DEPTH) throw reader.malformed('a component');
    while (!reader.done) {
      const from = reader.at;
      const id = reader.u8('a section');
      const section = reader.part(reader.u32('the length of a section'), 'a section');
      const content = reader.bytes.subarray(section.at, section.end);
      if (id === SECTION.component) out.section(id, rewrite(section, depth + 1));
      else {
        const changed = id === SECTION.coreModule ? change(content, index++) : null;
        // As it was, with the length as its tool wrote it.
        if (changed === null) out.bytes(reader.bytes.subarray(from, section.end));
        else out.section(id, new ByteWriter().bytes(changed));
      }
    }
    return out;
  };
  return rewrite(new ByteReader(component), 0).finish();
}
