import { importPaths, shortName } from '../bindings/imported-function.ts';
import { snake } from '../bindings/word.ts';
import type { World } from '../bindings/world.ts';
import { distinctNames } from './distinct-names.ts';
import { planExports } from './export.ts';
import { FunctionNames } from './function-names.ts';
import { writeGlue } from './glue.ts';
import { writeHeader } from './header.ts';
import { planImports } from './import.ts';
import { TypeWriter } from './type-writer.ts';

/** Generated C for a world: file names and their text. */
export interface CBindings {
  /** `<world>.h`, for the author's sources. */
  readonly header: { readonly name: string; readonly text: string };
  /** `<world>_glue.c`, to compile along. */
  readonly glue: { readonly name: string; readonly text: string };
}

/**
 * Writes the C bindings of a world: plain types and prototypes for the author, canonical ABI exports for the host, and functions
 * that call what the world imports.
 * @throws CloudletError `unsupported-type` for what C functions cannot take yet, naming the function.
 */
export function generateBindings(world: World): CBindings {
  const prefix = snake(world.name);
  const exported = world.functions.flatMap((wit) => (wit.interface === null ? [] : [shortName(wit.interface)]));
  const paths = importPaths(world.imports ?? [], new Set(exported));
  const types = new TypeWriter(prefix, { ...world, names: distinctNames(world, paths) });
  types.name({ kind: 'string' });
  const names = new FunctionNames(prefix);
  const exports = planExports(world.functions, names, types);
  const imports = planImports(world, paths, names, types);
  return {
    header: { name: `${prefix}.h`, text: writeHeader(prefix, exports, imports, world.names, types) },
    glue: { name: `${prefix}_glue.c`, text: writeGlue(prefix, exports, imports, types) },
  };
}
