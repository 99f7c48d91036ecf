import { PREVIEW1, PREVIEW1_FUNCTIONS } from '../../wasi/index.ts';
import { ByteReader, refused } from '../binary/byte-reader.ts';
import { readPreamble } from '../binary/preamble.ts';
import { readCoreModule } from '../inspect/core-module-reader.ts';
import { someNames } from '../inspect/type-space.ts';

/** A WASI 0.1 command that runs as it is: no component is made of it. */
export interface PlainCommand {
  readonly glue: string;
  /** The name under which the glue asks for the module. */
  readonly module: string;
  /** Interfaces of WASI 0.2 that its calls come to, with versions. */
  readonly imports: readonly string[];
}

const MODULE = 'component.core.wasm';

/** Where calls of WASI 0.1 lead, by how their names begin. */
const INTERFACES: readonly (readonly [prefix: string, ...interfaces: string[]])[] = [
  ['args_', 'wasi:cli/environment'],
  ['environ_', 'wasi:cli/environment'],
  ['clock_', 'wasi:clocks/monotonic-clock', 'wasi:clocks/wall-clock'],
  ['poll_', 'wasi:clocks/monotonic-clock', 'wasi:clocks/wall-clock', 'wasi:io/poll'],
  ['random_', 'wasi:random/random'],
  ['proc_', 'wasi:cli/exit'],
  ['fd_', 'wasi:cli/stdin', 'wasi:cli/stdout', 'wasi:cli/stderr', 'wasi:io/streams', 'wasi:filesystem/types'],
  ['fd_prestat_', 'wasi:filesystem/preopens'],
  ['path_', 'wasi:filesystem/types', 'wasi:filesystem/preopens'],
];

/** The version that the interfaces have here. */
const VERSION = '0.2.12';

/** What the glue of all commands is: they differ in their module only. */
const GLUE = `export function instantiate(getCoreModule, imports, instantiateCore) {
  return imports['${PREVIEW1}'].instantiate(getCoreModule('${MODULE}'), instantiateCore);
}
`;

/** Where the glue puts the command's entry in what `instantiate` gives. */
export const COMMAND_RUN = ['run'] as const;

/**
 * The glue of a core module that is a WASI 0.1 command and nothing else; null for a library, and for a module that describes a world of its own,
 * which both become components. Throws `component-refused` for functions that WASI 0.1 does not have.
 */
export function plainCommand(bytes: Uint8Array): PlainCommand | null {
  const reader = new ByteReader(bytes);
  if (readPreamble(reader) !== 'core-module') return null;
  const module = readCoreModule(reader);
  if (module.typed || !module.exports.includes('_start')) return null;
  if (!module.exports.includes('memory'))
    throw refused('the WASI 0.1 command exports no "memory"; build it with its memory exported, as WASI wants');
  const unknown = module.importedNames.filter((name) => !PREVIEW1_FUNCTIONS.includes(name));
  if (unknown.length > 0)
    throw refused(`the core module imports ${someNames(unknown)} from ${PREVIEW1}, which has no such function`);
  const interfaces = new Set<string>();
  for (const name of module.importedNames) {
    for (const [prefix, ...led] of INTERFACES) {
      if (name.startsWith(prefix)) for (const each of led) interfaces.add(`${each}@${VERSION}`);
    }
  }
  return { glue: GLUE, module: MODULE, imports: [...interfaces].sort() };
}
