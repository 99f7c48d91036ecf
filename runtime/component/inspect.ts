import type { Door, WitFunction } from '../../guest-sdk/protocol/index.ts';
import { ByteReader, refused } from './binary/byte-reader.ts';
import { type BinaryKind, readPreamble } from './binary/preamble.ts';
import { readComponent } from './inspect/component-reader.ts';
import { checkCoreNames, readCoreModule } from './inspect/core-module-reader.ts';
import { doorOfInterface, exportedFunctions, exportedNames, refuseOtherExports } from './inspect/exported-functions.ts';
import { grantableImports } from './inspect/grantable-imports.ts';
import { someNames } from './inspect/type-space.ts';

/** What a component's own bytes say about it. */
export interface ComponentInfo {
  /** A `core-module` is of WASI 0.1 and is adapted to a component when it is compiled; until then its typed functions are not known. */
  readonly kind: BinaryKind;
  /** Interfaces that it imports, with versions; `wasi_snapshot_preview1` for a core module. */
  readonly imports: readonly string[];
  /** Interfaces and functions that it exports, with versions. */
  readonly exports: readonly string[];
  /** Functions for typed calls. */
  readonly functions: readonly WitFunction[];
  /** The ways in which it can be called. */
  readonly doors: readonly Door[];
  /** It has asynchronous parts or uses WASI 0.3: its instances serve many invocations, and its glue is another. */
  readonly asynchronous: boolean;
  readonly sizeBytes: number;
}

const PREVIEW_1 = 'wasi_snapshot_preview1';

/**
 * Reads what a component imports and exports from its own sections; nothing is executed, and the memory used is bounded by
 * small constants whatever the file says. Throws `component-refused` for what is no WebAssembly, is truncated or damaged, imports
 * what no cloudlet provides, or exports what nobody can call.
 */
export function inspectComponent(bytes: Uint8Array): ComponentInfo {
  const reader = new ByteReader(bytes);
  const kind = readPreamble(reader);
  if (kind === 'core-module') return inspectCoreModule(reader);
  const component = readComponent(reader);
  refuseOtherExports(component);
  const imports = grantableImports(component);
  const functions = exportedFunctions(component);
  const exports = exportedNames(component);
  const doors: Door[] = functions.length > 0 ? ['call'] : [];
  for (const name of exports) {
    const door = doorOfInterface(name);
    if (door !== null && !doors.includes(door)) doors.push(door);
  }
  if (doors.length === 0) {
    throw refused(
      `the component exports nothing that can be called${exports.length === 0 ? '' : ` (it exports ${someNames(exports)})`}; expected functions, wasi:cli/run@0.2 or @0.3.0, wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3.0`,
    );
  }
  const asynchronous = component.asynchronous || [...imports, ...exports].some((name) => name.includes('@0.3.'));
  return { kind, imports, exports, functions, doors, asynchronous, sizeBytes: bytes.length };
}

function inspectCoreModule(reader: ByteReader): ComponentInfo {
  const module = readCoreModule(reader);
  checkCoreNames(module);
  // The description of a world names further imports, which are checked when the component has been made.
  const foreign = module.typed ? [] : module.imports.filter((name) => name !== PREVIEW_1);
  if (foreign.length > 0) {
    throw refused(
      `the core module imports ${someNames(foreign)}; only ${PREVIEW_1} can be adapted: build it for WASI or as a component`,
    );
  }
  const isCommand = module.exports.includes('_start');
  if (!isCommand && !module.typed) {
    throw refused(
      'the core module exports no "_start" and describes no world, so there is nothing to call; build it as a WASI command or as a component',
    );
  }
  return {
    kind: 'core-module',
    imports: module.imports,
    exports: isCommand ? ['_start'] : [],
    functions: [],
    doors: isCommand ? ['run'] : [],
    asynchronous: false,
    sizeBytes: reader.bytes.length,
  };
}
