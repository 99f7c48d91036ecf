import type { WitFunction, WitType } from '../../guest-sdk/protocol/index.ts';
import { ByteReader, refused } from './binary/byte-reader.ts';
import { readPreamble } from './binary/preamble.ts';
import { readComponent } from './inspect/component-reader.ts';
import { exportedFunctions } from './inspect/exported-functions.ts';
import type { Extern } from './inspect/type-space.ts';

/** Whether a type has no parts. */
const isPrimitive = (type: WitType): boolean => Object.keys(type).length === 1;

/** The functions of a component with the names that its author gave to their types. */
export interface NamedTypes {
  readonly functions: readonly WitFunction[];
  /** WIT name of a type, by the identity of its object in `functions`; types without a name of their own are absent. */
  readonly names: ReadonlyMap<WitType, string>;
}

/**
 * Reads the exported functions of a component and how their types are called, for tools that write source code.
 * Of several names for one type (`type point2 = point`) the first stands. Throws `component-refused` like `inspectComponent`.
 */
export function inspectTypes(bytes: Uint8Array): NamedTypes {
  const reader = new ByteReader(bytes);
  if (readPreamble(reader) !== 'component') throw refused('expected a component, got a core module');
  const component = readComponent(reader);
  const names = new Map<WitType, string>();
  const visit = (externs: ReadonlyMap<string, Extern>): void => {
    for (const [name, extern] of externs) {
      if (extern.sort === 'instance') visit(extern.type.exports);
      if (extern.sort !== 'type' || extern.type.kind !== 'value') continue;
      // `type id = u32` cannot be told from any other u32: primitives are one object for the whole file.
      if (isPrimitive(extern.type.type)) continue;
      // Names like `import-type-x` are the linker's.
      if (!names.has(extern.type.type)) names.set(extern.type.type, name.replace(/^import-type-/, ''));
    }
  };
  visit(component.imports);
  visit(component.exports);
  return { functions: exportedFunctions(component), names };
}
