import type { ModuleTraits } from '../artifact.ts';
import { ByteReader, refused } from '../binary/byte-reader.ts';
import { ByteWriter, signedLeb } from '../binary/byte-writer.ts';
import type { CodeScan } from './function-scan.ts';
import { isResettable, readKeptState } from './kept-state.ts';
import { limitMemories, limitTables } from './limits.ts';
import { type MeterIndices, meterCode, scanCode } from './meter-code.ts';
import { RESERVED_EXPORTS, RESERVED_PREFIX, RESETTABLE_SECTION } from './metered-instance.ts';
import { type ModuleShape, readModuleShape, SECTION, type Section } from './module-shape.ts';

/** Pages of 64 KiB that 32-bit addresses reach. */
const MAX_PAGES = 65_536;
const PREAMBLE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** Order of the sections in a module; custom sections may stand anywhere. */
const ORDER = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
] as const;

/** A rewritten core module and what was found in it. */
export interface RewrittenModule {
  readonly bytes: Uint8Array;
  readonly traits: ModuleTraits;
}

/** How often a component instantiates a core module, and all of its modules together. */
export interface CoreInstances {
  readonly instances: number;
  readonly all: number;
}

/** What is left out, to measure what it costs. */
export interface RewriteOptions {
  /** Without it nothing ends a guest that loops. */
  readonly meter?: boolean;
}

const ONE: CoreInstances = { instances: 1, all: 1 };

/**
 * Rewrites a core module so that the host can interrupt and limit it: every loop and function is charged for, the start
 * function waits until the host calls it, tables cannot grow without bound, and what a call may change is exported where all of
 * it can be put back. All indices of the module keep their meaning.
 * Refuses a module that uses features which cannot be limited, or that V8 does not accept afterwards.
 */
export function rewriteModule(
  name: string,
  module: Uint8Array,
  counted: CoreInstances = ONE,
  { meter = true }: RewriteOptions = {},
): RewrittenModule {
  const shape = readModuleShape(module);
  for (const exported of shape.exportNames) {
    if (exported.startsWith(RESERVED_PREFIX))
      throw refused(`the component uses the reserved export name ${JSON.stringify(exported)}`);
  }
  const code = shape.sections.find(({ id }) => id === SECTION.code);
  const { functions, seen } = scanCode(readerOf(module, code), shape.importedFunctions);
  const metered = meter && !endsByItself(seen);
  const contents = new Map<number, ByteWriter>();
  for (const { id, content } of shape.sections) {
    if (id !== SECTION.custom && id !== SECTION.start) contents.set(id, new ByteWriter().bytes(content));
  }
  const tables = limitTables(
    readerOf(
      module,
      shape.sections.find(({ id }) => id === SECTION.table),
    ),
    counted.all,
  );
  if (contents.has(SECTION.table)) contents.set(SECTION.table, new ByteWriter().bytes(tables.content));
  if (shape.memories.length > 0) {
    contents.set(SECTION.memory, new ByteWriter().bytes(limitMemories(shape.memories, () => MAX_PAGES)));
  }
  const kept = readKeptState(
    readerOf(
      module,
      shape.sections.find(({ id }) => id === SECTION.global),
    ),
  );
  const resettable = isResettable(kept, seen);
  const exports: Export[] = [];
  if (shape.start !== null) exports.push([RESERVED_EXPORTS.start, 0, shape.start]);
  if (metered) {
    const indices = appendMeter(module, shape, contents, seen.memoryGrows > 0);
    const parameterCount = (index: number): number => shape.parameterCounts[shape.functionTypes[index] ?? -1] ?? 0;
    contents.set(SECTION.code, meterCode(module, functions, parameterCount, indices));
    exports.push([RESERVED_EXPORTS.checkpoint, 3, indices.checkpoint]);
    if (indices.growth !== null) exports.push([RESERVED_EXPORTS.refused, 3, indices.growth.refused]);
    if (resettable) exports.push([`${RESERVED_PREFIX}fuel`, 3, indices.fuel]);
  }
  if (resettable) exports.push(...stateExports(shape, kept.mutableGlobals));
  if (exports.length > 0)
    append(module, shape, contents, SECTION.export, exports.length, (out) => {
      for (const [exported, kind, index] of exports) out.name(exported).u8(kind).u32(index);
    });
  const bytes = assemble(shape, contents, resettable);
  // The module itself as well: an index that means nothing in it could mean the fuel, once that is there.
  if (!isValid(module))
    throw refused(`the core module ${name} is not valid, or uses WebAssembly features that cannot run here`);
  if (!isValid(bytes))
    throw refused(`the core module ${name} could not be made interruptible; please report it with the component`);
  return {
    bytes,
    traits: {
      name,
      metered,
      startExported: shape.start !== null,
      instances: counted.instances,
      tableElements: tables.elements,
      memoryPages: shape.memories.reduce((sum, memory) => sum + memory.minimum, 0),
      mutatesTables: seen.tableWrites > 0,
      dropsSegments: seen.segmentDrops > 0,
      growsMemory: seen.memoryGrows > 0,
      resettable,
    },
  };
}

function isValid(module: Uint8Array): boolean {
  // The cast narrows the buffer's type only: nothing here is backed by shared memory.
  return WebAssembly.validate(module as Uint8Array<ArrayBuffer>);
}

/** An export that is added: kind 2 is a memory, 3 a global. */
type Export = readonly [name: string, kind: number, index: number];

/** Every memory and every changeable global that the module makes, whether or not it exports it itself. */
function stateExports(shape: ModuleShape, mutableGlobals: readonly number[]): Export[] {
  return [
    ...shape.memories.map((_, at): Export => [`${RESERVED_PREFIX}memory${at}`, 2, shape.importedMemories + at]),
    ...mutableGlobals.map((at): Export => [`${RESERVED_PREFIX}global${at}`, 3, shape.importedGlobals + at]),
  ];
}

/** Whether a module only forwards: without loops and with at most one call in a function the depth of the stack bounds its time. */
function endsByItself(seen: CodeScan): boolean {
  return seen.loops + seen.tailCalls + seen.exceptions + seen.bulk + seen.memoryGrows === 0 && seen.calls <= 1;
}

/** Appends the types, the functions and the globals of the meter; the code comes from `meterCode`. */
function appendMeter(
  module: Uint8Array,
  shape: ModuleShape,
  contents: Map<number, ByteWriter>,
  grows: boolean,
): MeterIndices {
  const checkpointType = shape.parameterCounts.length;
  const refillType = checkpointType + 1;
  const lookType = refillType + 1;
  const refill = shape.importedFunctions + shape.functionTypes.length;
  const fuel = shape.importedGlobals + shape.globals;
  const growth = grows ? { refused: fuel + 2, look: refill + 1 } : null;
  const indices: MeterIndices = { checkpointType, refill, fuel, checkpoint: fuel + 1, growth };
  const more = grows ? 1 : 0;
  append(module, shape, contents, SECTION.type, 2 + more, (out) => {
    out.u8(0x60, 0x00, 0x01, 0x7e, 0x60, 0x00, 0x00); // () -> i64, () -> ()
    if (grows) out.u8(0x60, 0x01, 0x7f, 0x01, 0x7f); // i32 -> i32
  });
  append(module, shape, contents, SECTION.function, 1 + more, (out) => {
    out.u32(refillType);
    if (grows) out.u32(lookType);
  });
  append(module, shape, contents, SECTION.global, 2 + more, (out) => {
    const type = signedLeb(checkpointType);
    out.u8(0x7e, 0x01, 0x42, 0x00, 0x0b); // i64, mutable, 0: the first charge asks the host
    out.u8(0x63).bytes(type).u8(0x01, 0xd0).bytes(type).u8(0x0b); // (ref null $checkpoint), mutable, null
    if (grows) out.u8(0x7f, 0x01, 0x41, 0x00, 0x0b); // i32, mutable, 0
  });
  return indices;
}

/** Adds entries at the end of a section that is a counted list, or makes the section. */
function append(
  module: Uint8Array,
  shape: ModuleShape,
  contents: Map<number, ByteWriter>,
  id: number,
  added: number,
  write: (out: ByteWriter) => unknown,
): void {
  const section = shape.sections.find((each) => each.id === id);
  const reader = readerOf(module, section);
  const count = section === undefined ? 0 : reader.u32('a count');
  const out = new ByteWriter().u32(count + added);
  if (section !== undefined) out.bytes(module.subarray(reader.at, reader.end));
  write(out);
  contents.set(id, out);
}

function assemble(shape: ModuleShape, contents: ReadonlyMap<number, ByteWriter>, resettable: boolean): Uint8Array {
  const out = new ByteWriter().bytes(PREAMBLE);
  for (const id of ORDER) {
    const content = contents.get(id);
    if (content !== undefined) out.section(id, content);
  }
  // Function names help in stack traces and still fit; every other custom section describes code that has moved.
  const names = shape.sections.find((section) => section.id === SECTION.custom && isNameSection(section));
  if (names !== undefined) out.section(SECTION.custom, new ByteWriter().bytes(names.content));
  // The agent gets the module and not its traits.
  if (resettable) out.section(SECTION.custom, new ByteWriter().name(RESETTABLE_SECTION));
  return out.finish();
}

function isNameSection({ content }: Section): boolean {
  return content[0] === 4 && new TextDecoder().decode(content.subarray(1, 5)) === 'name';
}

function readerOf(module: Uint8Array, section: Section | undefined): ByteReader {
  // An absent section reads as an empty list.
  if (section === undefined) return new ByteReader(Uint8Array.of(0));
  return new ByteReader(module, section.at, section.at + section.content.length);
}
