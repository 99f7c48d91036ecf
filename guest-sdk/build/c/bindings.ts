import type { ImportedInterface, ResourceHandle } from '../../../runtime/index.ts';
import type { WitFunction, WitType } from '../../protocol/index.ts';
import { planExports } from './export.ts';
import { writeGlue } from './glue.ts';
import { writeHeader } from './header.ts';
import { snake } from './identifier.ts';
import { TypeWriter } from './type-writer.ts';

/** Generated C for a world: file names and their text. */
export interface CBindings {
  /** `<world>.h`, for the author's sources. */
  readonly header: { readonly name: string; readonly text: string };
  /** `<world>_glue.c`, to compile along. */
  readonly glue: { readonly name: string; readonly text: string };
}

/** The functions of a world and what its author calls their types. */
export interface World {
  readonly name: string;
  readonly functions: readonly WitFunction[];
  /** What it imports; none when absent. */
  readonly imports?: readonly ImportedInterface[];
  readonly handles?: ReadonlyMap<WitType, ResourceHandle>;
  readonly names: ReadonlyMap<WitType, string>;
}

/**
 * Writes the C bindings of a world: plain types and prototypes for the author, canonical ABI exports for the host.
 * @throws CloudletError `unsupported-type` for what C functions cannot take yet, naming the function.
 */
export function generateBindings(world: World): CBindings {
  const prefix = snake(world.name);
  const types = new TypeWriter(prefix, world.names);
  types.name({ kind: 'string' });
  const exports = planExports(prefix, world.functions, types);
  return {
    header: { name: `${prefix}.h`, text: writeHeader(prefix, exports, types) },
    glue: { name: `${prefix}_glue.c`, text: writeGlue(prefix, exports, types) },
  };
}
