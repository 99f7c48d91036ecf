import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { Budget } from './type-space.ts';

/** What a core module wants and offers, by name. */
export interface CoreModuleInfo {
  /** Module names of its imports, each once. */
  readonly imports: readonly string[];
  /** Names of its imports within their modules. */
  readonly importedNames: readonly string[];
  readonly exports: readonly string[];
  /** Whether it carries the description of a world, as `jco embed` and `wit-bindgen` leave it, from which a typed component can be made. */
  readonly typed: boolean;
}

/** Reads imports, exports and custom section names of a core module, after its preamble. `budget` is that of the component around it. */
export function readCoreModule(reader: ByteReader, budget: Budget = new Budget()): CoreModuleInfo {
  const imports = new Set<string>();
  const importedNames: string[] = [];
  const exports: string[] = [];
  let typed = false;
  const counted = (section: ByteReader, what: string): number => {
    const count = section.count(what);
    budget.spend(count);
    return count;
  };
  while (!reader.done) {
    budget.spend(1);
    const id = reader.u8('a section');
    const length = reader.u32('the length of a section');
    const section = reader.part(length, `the ${length} bytes of section ${id}`);
    if (id === 0 && section.name('the name of a custom section').startsWith('component-type')) typed = true;
    if (id === 2) {
      for (let left = counted(section, 'imports'); left > 0; left -= 1) {
        imports.add(section.name('the module of an import'));
        importedNames.push(section.name('the name of an import'));
        skipImportType(section);
      }
    }
    if (id === 7) {
      for (let left = counted(section, 'exports'); left > 0; left -= 1) {
        exports.push(section.name('the name of an export'));
        section.u8('the kind of an export');
        section.skipLeb('the index of an export');
      }
    }
  }
  return { imports: [...imports], importedNames, exports, typed };
}

/** What the generator of bindings would put into source text unescaped, or what means something else to JavaScript. */
const UNSAFE = /[^\x20-\x7e]|['"`\\]|\$\{|\*\/|\/\*|<\/|^__proto__$/;

/** Refuses a core module whose names could not stand in generated code as they are. */
export function checkCoreNames(module: CoreModuleInfo): void {
  const unsafe = [...module.imports, ...module.importedNames, ...module.exports].find((name) => UNSAFE.test(name));
  if (unsafe !== undefined) {
    throw refused(
      `expected names of core imports and exports in plain ASCII without quotes and backslashes, got ${JSON.stringify(unsafe.slice(0, 100))}`,
    );
  }
}

function skipImportType(section: ByteReader): void {
  const kind = section.u8('the kind of an import');
  switch (kind) {
    case 0:
      section.skipLeb('a type index');
      return;
    case 1:
      skipReferenceType(section);
      skipLimits(section);
      return;
    case 2:
      skipLimits(section);
      return;
    case 3:
      skipReferenceType(section);
      section.u8('the mutability of a global');
      return;
    case 4:
      section.u8('a tag');
      section.skipLeb('a type index');
      return;
    default:
      throw refused(
        `expected an import of a function, table, memory, global or tag before byte ${section.at}, got kind ${kind}`,
      );
  }
}

function skipReferenceType(section: ByteReader): void {
  const byte = section.u8('a type');
  if (byte === 0x63 || byte === 0x64) section.skipLeb('a heap type', 33);
}

function skipLimits(section: ByteReader): void {
  const flags = section.u8('limits');
  section.skipLeb('a minimum', 64);
  if (flags & 1) section.skipLeb('a maximum', 64);
}
