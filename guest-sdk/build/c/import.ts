import type { ImportedInterface, ImportedResource } from '../../../runtime/index.ts';
import type { WitFunction } from '../../protocol/index.ts';
import { coreModule, formOf } from '../bindings/imported-function.ts';
import { naming, refuseImport } from '../bindings/refuse-function.ts';
import { snake } from '../bindings/word.ts';
import type { World } from '../bindings/world.ts';
import type { FunctionNames } from './function-names.ts';
import { prototype } from './prototype.ts';
import type { TypeWriter } from './type-writer.ts';

/** An imported function in its three forms: WIT, the C function that the author calls, and the core import. */
export interface CImport {
  readonly wit: WitFunction;
  /** `counter_keyvalue_store_open`, or `counter_bucket_get` for one of a resource. */
  readonly name: string;
  readonly prototype: string;
  /** Module and name of the core import. */
  readonly core: readonly [module: string, name: string];
}

/** What is imported of an interface. */
export interface CImportedInterface {
  /** Its full name; null for what the world imports by itself. */
  readonly name: string | null;
  /** Functions, and after those of a resource one that gives a handle back. */
  readonly functions: readonly CImport[];
}

/**
 * Plans the C form of what a world imports; `paths` says how its interfaces are called.
 * @throws CloudletError `unsupported-type` naming the function.
 */
export function planImports(
  { imports = [], handles = new Map() }: World,
  paths: ReadonlyMap<string, readonly string[]>,
  names: FunctionNames,
  types: TypeWriter,
): CImportedInterface[] {
  const plan = (wit: WitFunction, words: readonly string[]): CImport => {
    refuseImport('C', wit, handles);
    const name = names.of(words, wit, true);
    const core = [coreModule(wit.interface), wit.function] as const;
    return { wit, name, prototype: naming(wit, () => prototype(wit, name, types)), core };
  };
  return imports.map((each) => {
    const path = (each.name === null ? [] : (paths.get(each.name) ?? [])).map(snake);
    const functions = each.functions.map((wit) => plan(wit, wordsOf(wit, path, each, types)));
    // A resource may have several names, such as `headers` and `trailers`.
    const drops = [...new Set(each.resources.values())]
      .filter((resource) => resource.interface === each.name)
      .flatMap((resource) => {
        const drop = dropOf(resource, handles);
        return drop === null ? [] : [plan(drop, [types.resourceStem(resource), 'drop'])];
      });
    return { name: each.name, functions: [...functions, ...drops] };
  });
}

/** What is of a resource has its name before it, all else that of its interface. */
function wordsOf(
  wit: WitFunction,
  path: readonly string[],
  each: ImportedInterface,
  types: TypeWriter,
): readonly string[] {
  const { resource, name } = formOf(wit);
  const owner = resource === null ? undefined : each.resources.get(resource);
  if (owner === undefined) return [...path, snake(name)];
  const own = snake(name);
  return [types.resourceStem(owner), own === 'drop' ? 'drop_' : own];
}

/** The function by which a handle is given back, which WIT has no word for; null when no function takes or gives one. */
function dropOf(resource: ImportedResource, handles: NonNullable<World['handles']>): WitFunction | null {
  const [type] = [...handles].find(([, each]) => each.resource === resource) ?? [];
  if (type === undefined) return null;
  const name = `[resource-drop]${resource.name}`;
  const params = [{ name: resource.name, type }];
  return { name, interface: resource.interface, function: name, params, result: null, async: false };
}
