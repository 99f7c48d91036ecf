import { CloudletError, formatFunction, type WitFunction } from '../../protocol/index.ts';
import { identifier, snake } from './identifier.ts';
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
export function planExports(prefix: string, functions: readonly WitFunction[], types: TypeWriter): CExport[] {
  const taken = new Set<string>();
  return functions.map((wit) => {
    const path = wit.interface === null ? [wit.function] : [shortName(wit.interface), wit.function];
    const name = [prefix, ...path.map(snake)].join('_');
    if (taken.has(name)) {
      throw new CloudletError(
        'build-failed',
        `two functions of the world would both be called ${name} in C; rename an interface`,
      );
    }
    taken.add(name);
    return { wit, name, prototype: prototype(wit, name, types), core: coreName(wit) };
  });
}

function prototype(wit: WitFunction, name: string, types: TypeWriter): string {
  try {
    const params = wit.params.map((param) => `${types.name(param.type)} ${identifier(param.name)}`);
    const result = wit.result === null ? 'void' : types.name(wit.result);
    return `${result} ${name}(${params.length === 0 ? 'void' : params.join(', ')})`;
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    throw new CloudletError(error.code, `${formatFunction(wit)}: ${error.message}`, { cause: error });
  }
}

function coreName(wit: WitFunction): string {
  return wit.interface === null ? wit.function : `${wit.interface}#${wit.function}`;
}

function shortName(name: string): string {
  return name.replace(/^.*\//, '').replace(/@.*$/, '');
}
