import type { WitFunction } from '../../../guest-sdk/protocol/index.ts';
import { refused } from '../binary/byte-reader.ts';
import type { ComponentType, FuncType } from './type-space.ts';

/** Functions and parts of their types that one component may export; what a person can read, and a cloudlet describe, is far less. */
const MAX_FUNCTIONS = 1000;
const MAX_NODES = 50_000;

const HTTP = /^wasi:http\/(?:incoming-handler@0\.2\.\d+|handler@0\.3\.0)$/;
const RUN = /^wasi:cli\/run@(?:0\.2\.\d+|0\.3\.0)$/;

/** The function that componentize-qjs leaves in every component for its own build step, and that would let a caller replace the program. */
const QUICKJS_INIT = 'shim: string, script: string, entry-path: option<string>, disable-gc: bool';

/** Whether an exported interface is served by its own door instead of typed calls, and by which. */
export function doorOfInterface(name: string): 'http' | 'run' | null {
  if (HTTP.test(name)) return 'http';
  return RUN.test(name) ? 'run' : null;
}

/** `iface` of `ns:pkg/iface@1.0.0`; a name without a package is itself. */
export function shortName(interfaceName: string): string {
  return interfaceName.replace(/^.*\//, '').replace(/@.*$/, '');
}

/**
 * Refuses what a component exports beside functions and interfaces. The binary format knows types, components and core modules there, too; WIT has no way
 * to say so, and the translators read a component as a world.
 */
export function refuseOtherExports(component: ComponentType): void {
  const others = [...component.exports].filter(([, { sort }]) => sort !== 'func' && sort !== 'instance');
  const [first] = others;
  if (first === undefined) return;
  const [name, { sort }] = first;
  const [what, instead] =
    sort === 'type'
      ? ['type', 'export it as part of an interface, as a WIT world does']
      : [sort === 'module' ? 'core module' : sort, 'leave it out'];
  const more = others.length === 1 ? '' : ` and ${others.length - 1} more`;
  throw refused(
    `expected a component that exports functions and interfaces, got the ${what} ${JSON.stringify(name)}${more}; ${instead}`,
  );
}

/** Names of what a component exports for callers: interfaces and functions, without QuickJS's own `init`. */
export function exportedNames(component: ComponentType): string[] {
  return [...component.exports]
    .filter(
      ([name, extern]) => extern.sort === 'instance' || (extern.sort === 'func' && !isQuickJsInit(name, extern.type)),
    )
    .map(([name]) => name);
}

/** Every function for typed calls that a component exports, of the world and of its interfaces, with resolved types. */
export function exportedFunctions(component: ComponentType): WitFunction[] {
  const functions: WitFunction[] = [];
  let nodes = 0;
  const add = (interfaceName: string | null, prefix: string, name: string, type: FuncType): void => {
    for (const part of [...type.params.map((param) => param.value), type.result]) nodes += part?.nodes ?? 1;
    if (functions.length === MAX_FUNCTIONS || nodes > MAX_NODES) {
      throw refused(
        `expected at most ${MAX_FUNCTIONS} exported functions with ${MAX_NODES} parts in their types, got more`,
      );
    }
    functions.push({
      name: `${prefix}${name}`,
      interface: interfaceName,
      function: name,
      params: type.params.map((param) => ({ name: param.name, type: param.value.type })),
      result: type.result?.type ?? null,
      async: type.async,
    });
  };
  const interfaces = [...component.exports].filter(
    ([name, extern]) => extern.sort === 'instance' && doorOfInterface(name) === null,
  );
  const sharedNames = interfaces.map(([name]) => shortName(name));
  for (const [name, extern] of component.exports) {
    if (extern.sort === 'func' && !isQuickJsInit(name, extern.type)) add(null, '', name, extern.type);
  }
  for (const [name, extern] of interfaces) {
    if (extern.sort !== 'instance') continue;
    const short = shortName(name);
    const prefix = sharedNames.filter((other) => other === short).length === 1 ? short : name;
    for (const [inner, exported] of extern.type.exports) {
      if (exported.sort === 'func') add(name, `${prefix}.`, inner, exported.type);
    }
  }
  return functions;
}

function isQuickJsInit(name: string, type: FuncType): boolean {
  if (name !== 'init') return false;
  const params = type.params.map(
    ({ name: param, value }) =>
      `${param}: ${value.type.kind === 'option' ? `option<${value.type.some.kind}>` : value.type.kind}`,
  );
  return params.join(', ') === QUICKJS_INIT;
}
