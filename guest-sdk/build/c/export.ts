import type { WitFunction } from '../../protocol/index.ts';
import { coreName } from '../bindings/core-call.ts';
import { shortName } from '../bindings/imported-function.ts';
import { naming, refuseExport } from '../bindings/refuse-function.ts';
import { snake } from '../bindings/word.ts';
import type { FunctionNames } from './function-names.ts';
import { prototype } from './prototype.ts';
import type { TypeWriter } from './type-writer.ts';

/** An exported function in its three forms: WIT, the C function that the author writes, and the core export. */
export interface CExport {
  readonly wit: WitFunction;
  /** `photo_thumbnail`, or `typed_shapes_swap` for a function of an interface. */
  readonly name: string;
  /** `photo_result_list_u8_string_t photo_thumbnail(photo_list_u8_t image, uint32_t width)`. */
  readonly prototype: string;
  /** Name of the core export: `thumbnail`, or `test:typed/shapes@1.0.0#swap`. */
  readonly core: string;
}

/**
 * Plans the C form of a world's functions.
 * @throws CloudletError `unsupported-type` naming the function.
 */
export function planExports(functions: readonly WitFunction[], names: FunctionNames, types: TypeWriter): CExport[] {
  return functions.map((wit) => {
    refuseExport('C', wit);
    const path = wit.interface === null ? [wit.function] : [shortName(wit.interface), wit.function];
    const name = names.of(path.map(snake), wit);
    return { wit, name, prototype: naming(wit, () => prototype(wit, name, types)), core: coreName(wit) };
  });
}
