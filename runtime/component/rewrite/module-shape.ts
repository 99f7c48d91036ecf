import { ByteReader, refused } from '../binary/byte-reader.ts';
import { readPreamble } from '../binary/preamble.ts';
import { type Limits, readMemoryLimits, readTableType } from './limits.ts';

/** Section ids of a core module. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** A section of a core module: its id and content. */
export interface Section {
  readonly id: number;
  readonly content: Uint8Array;
  /** Offset of the content in the module, for errors. */
  readonly at: number;
}

/** What the rewriter must know about a core module before it touches the code. */
export interface ModuleShape {
  readonly sections: readonly Section[];
  /** Number of parameters of each function type. */
  readonly parameterCounts: readonly number[];
  readonly importedFunctions: number;
  readonly importedGlobals: number;
  readonly importedMemories: number;
  /** Type index of each function that the module defines. */
  readonly functionTypes: readonly number[];
  readonly memories: readonly Limits[];
  readonly globals: number;
  readonly exportNames: ReadonlySet<string>;
  readonly start: number | null;
}

/** Most types, functions and exports of one core module: what V8 itself allows. */
const MAX_ITEMS = 1_000_000;

/** Reads everything but the code of a core module. */
export function readModuleShape(module: Uint8Array): ModuleShape {
  const reader = new ByteReader(module);
  if (readPreamble(reader) !== 'core-module') throw refused('expected a core module inside the component');
  const sections: Section[] = [];
  const parameterCounts: number[] = [];
  const functionTypes: number[] = [];
  const memories: Limits[] = [];
  const exportNames = new Set<string>();
  const imported = { functions: 0, globals: 0, memories: 0 };
  let globals = 0;
  let start: number | null = null;
  while (!reader.done) {
    const id = reader.u8('a section');
    const section = reader.part(reader.u32('the length of a section'), `section ${id}`);
    sections.push({ id, content: module.subarray(section.at, section.end), at: section.at });
    const each = (what: string, read: () => unknown): void => {
      const count = section.count(what);
      if (count > MAX_ITEMS) throw refused(`expected at most ${MAX_ITEMS} ${what} in a core module, got ${count}`);
      for (let left = count; left > 0; left -= 1) read();
    };
    switch (id) {
      case SECTION.type:
        each('types', () => readRecursiveType(section, parameterCounts));
        break;
      case SECTION.import:
        each('imports', () => readImport(section, imported));
        break;
      case SECTION.function:
        each('functions', () => functionTypes.push(section.u32('a type index')));
        break;
      case SECTION.memory:
        each('memories', () => memories.push(readMemoryLimits(section)));
        break;
      case SECTION.global:
        globals = section.count('globals');
        break;
      case SECTION.export:
        each('exports', () => {
          exportNames.add(section.name('the name of an export'));
          section.u8('the kind of an export');
          section.skipLeb('the index of an export');
        });
        break;
      case SECTION.start:
        start = section.u32('the start function');
        break;
    }
  }
  return {
    sections,
    parameterCounts,
    importedFunctions: imported.functions,
    importedGlobals: imported.globals,
    importedMemories: imported.memories,
    functionTypes,
    memories,
    globals,
    exportNames,
    start,
  };
}

/** Steps over a value type. */
export function skipValueType(reader: ByteReader): void {
  const byte = reader.u8('a value type');
  if (byte === 0x63 || byte === 0x64) reader.skipLeb('a heap type', 33);
}

function readRecursiveType(reader: ByteReader, parameterCounts: number[]): void {
  if (reader.peek('a type') !== 0x4e) {
    readSubType(reader, parameterCounts);
    return;
  }
  reader.skip(1, 'a type');
  for (let left = reader.count('types of a group'); left > 0; left -= 1) readSubType(reader, parameterCounts);
}

function readSubType(reader: ByteReader, parameterCounts: number[]): void {
  let form = reader.u8('a type');
  if (form === 0x50 || form === 0x4f) {
    for (let left = reader.count('supertypes'); left > 0; left -= 1) reader.skipLeb('a supertype');
    form = reader.u8('a type');
  }
  if (form === 0x5e || form === 0x5f) {
    throw refused(
      'the component uses garbage-collected structs or arrays, whose memory cannot be limited here; build it without the GC feature',
    );
  }
  if (form !== 0x60) throw reader.malformed('a function type');
  const params = reader.count('parameters');
  for (let left = params; left > 0; left -= 1) skipValueType(reader);
  for (let left = reader.count('results'); left > 0; left -= 1) skipValueType(reader);
  parameterCounts.push(params);
}

function readImport(reader: ByteReader, imported: { functions: number; globals: number; memories: number }): void {
  reader.name('the module of an import');
  reader.name('the name of an import');
  const kind = reader.u8('the kind of an import');
  switch (kind) {
    case 0:
      reader.skipLeb('a type index');
      imported.functions += 1;
      return;
    case 1:
      readTableType(reader);
      return;
    case 2:
      readMemoryLimits(reader);
      imported.memories += 1;
      return;
    case 3:
      skipValueType(reader);
      reader.u8('the mutability of a global');
      imported.globals += 1;
      return;
    case 4:
      reader.u8('a tag');
      reader.skipLeb('a type index');
      return;
    default:
      throw reader.malformed(`an import of a function, table, memory, global or tag, not of kind ${kind},`);
  }
}
