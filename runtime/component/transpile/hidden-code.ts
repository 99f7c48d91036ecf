import { ByteReader, refused } from '../binary/byte-reader.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { readPreamble } from '../binary/preamble.ts';
import { readModuleShape, SECTION } from '../rewrite/module-shape.ts';

/** A component of which the generator sees no exceptions, and the core modules that it gets back for those that it saw. */
export interface HiddenCode {
  readonly component: Uint8Array;
  /** The module that a generated one stands for; itself when nothing was hidden of it. */
  readonly original: (module: Uint8Array) => Uint8Array;
}

const CORE_MODULE_SECTION = 1;
const COMPONENT_SECTION = 4;
/** Name of the section by which a module that came out of the generator is known again. */
const MARK = 'cloudlet-hidden';
/** A function without locals that traps: it fits every type. */
const EMPTY_BODY = Uint8Array.of(0x03, 0x00, 0x00, 0x0b);

/**
 * Takes the code out of core modules that have exceptions, which neither generator of glue can read; the glue depends on their types,
 * imports and exports alone. Modules without are left as they are.
 */
export function hideCode(component: Uint8Array): HiddenCode {
  const hidden: Uint8Array[] = [];
  const shown = hideIn(component, hidden);
  return {
    component: hidden.length === 0 ? component : shown,
    original: (module) => {
      const at = markOf(module);
      if (at === null) return module;
      const found = hidden[at];
      if (found === undefined) throw refused(`a core module has a section ${JSON.stringify(MARK)}, which is reserved`);
      return found;
    },
  };
}

function hideIn(component: Uint8Array, hidden: Uint8Array[]): Uint8Array {
  const reader = new ByteReader(component);
  readPreamble(reader);
  const out = new ByteWriter().bytes(component.subarray(0, reader.at));
  while (!reader.done) {
    const start = reader.at;
    const id = reader.u8('a section');
    const section = reader.part(reader.u32('the length of a section'), 'a section');
    const content = component.subarray(section.at, section.end);
    if (id === COMPONENT_SECTION) out.section(id, new ByteWriter().bytes(hideIn(content, hidden)));
    else if (id === CORE_MODULE_SECTION) out.section(id, new ByteWriter().bytes(hideModule(content, hidden)));
    else out.bytes(component.subarray(start, section.end));
  }
  return out.finish();
}

function hideModule(module: Uint8Array, hidden: Uint8Array[]): Uint8Array {
  const { sections } = readModuleShape(module);
  if (markOf(module) !== null)
    throw refused(`a core module has a section ${JSON.stringify(MARK)}, which is reserved for a cloudlet's own use`);
  if (!sections.some(({ id }) => id === SECTION.tag)) return module;
  const out = new ByteWriter().bytes(module.subarray(0, 8));
  for (const { id, content } of sections) {
    if (id === SECTION.tag) continue;
    if (id !== SECTION.code) {
      out.section(id, new ByteWriter().bytes(content));
      continue;
    }
    const count = new ByteReader(content).count('functions');
    const code = new ByteWriter().u32(count);
    for (let left = count; left > 0; left -= 1) code.bytes(EMPTY_BODY);
    out.section(id, code);
  }
  out.section(SECTION.custom, new ByteWriter().name(MARK).u32(hidden.length));
  hidden.push(module);
  return out.finish();
}

function markOf(module: Uint8Array): number | null {
  for (const { id, content } of readModuleShape(module).sections) {
    if (id !== SECTION.custom) continue;
    const section = new ByteReader(content);
    if (section.name('the name of a section') === MARK) return section.u32('the number of a module');
  }
  return null;
}
