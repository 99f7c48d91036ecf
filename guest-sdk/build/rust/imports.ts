import type { ImportedInterface, ImportedResource } from '../../../runtime/index.ts';
import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import { coreCall } from '../bindings/core-call.ts';
import { coreModule, formOf, importPaths } from '../bindings/imported-function.ts';
import { naming } from '../bindings/refuse-function.ts';
import { signature } from '../bindings/signature.ts';
import { bitsOf, CORE_TYPES, fromBits } from './core-value.ts';
import { identifier, literal, moduleName, typeName } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';

/** An import in its Rust form. */
interface RustImport {
  readonly wit: WitFunction;
  /** Its function's name in the crate's hidden module: `keyvalue_store_open`. */
  readonly name: string;
  /** The resource that it is a part of, by its Rust type. */
  readonly owner: string | null;
  /** What the world's author writes after the module or the type. */
  readonly shown: string;
}

/**
 * Writes what a world imports: a module for each interface with its functions and types, and methods of its resources. All is defined in
 * one hidden module, in which types have the names that they have in the crate, and given its own names by `pub use`.
 */
export function writeImports(
  imports: readonly ImportedInterface[],
  types: TypeWriter,
  modules: ReadonlySet<string>,
  names: ReadonlyMap<WitType, string>,
): string {
  if (imports.length === 0) return '';
  const paths = importPaths(imports, modules);
  const resources = new Set(imports.flatMap((each) => [...each.resources.values()]));
  const definitions = [...resources].map((resource, at) => resourceOf(resource, at, types));
  const planned = imports.map((each) => ({ each, functions: planFunctions(each, paths, types) }));
  const written = planned
    .flatMap(({ functions }) => functions)
    .map((fn, at) => naming(fn.wit, () => functionOf(fn, at, types, signature(fn.wit, names))));
  const tree = new Map<string, string[]>();
  for (const { each, functions } of planned) {
    const [first = '', second] = each.name === null ? [] : (paths.get(each.name) ?? []);
    const { uses, aliases } = usesOf(each, paths.get(each.name ?? '') ?? [], functions, types);
    definitions.push(aliases);
    const inner = second === undefined ? uses : moduleOf(each.name, identifier(second), uses);
    const outer = first === '' ? '' : moduleName(first);
    tree.set(outer, [...(tree.get(outer) ?? []), inner]);
  }
  const text = [...tree].map(([name, parts]) => (name === '' ? parts.join('') : moduleOf(null, name, parts.join(''))));
  return `#[doc(hidden)]
pub mod __import {
    use super::*;
${definitions.join('')}${written.join('')}}
pub use __import::*;
${text.join('')}`;
}

function planFunctions(
  each: ImportedInterface,
  paths: ReadonlyMap<string, readonly string[]>,
  types: TypeWriter,
): RustImport[] {
  const path = each.name === null ? ['world'] : (paths.get(each.name) ?? []);
  const taken = new Set<string>();
  return each.functions.map((wit) => {
    const { resource, name } = formOf(wit);
    const own = resource === null ? undefined : each.resources.get(resource);
    const shown = identifier(name);
    const key = `${resource ?? ''}.${shown}`;
    if (taken.has(key))
      throw new CloudletError('build-failed', `${formatFunction(wit)}: two functions would be called ${shown} in Rust`);
    taken.add(key);
    const owner = own === undefined ? null : types.resource(own);
    return { wit, name: owner === null ? identifier([...path, name].join('-')) : shown, owner, shown };
  });
}

/** What an interface's module gives names to. In the module itself a name may mean another type than in the rest of the crate. */
function usesOf(
  each: ImportedInterface,
  path: readonly string[],
  functions: readonly RustImport[],
  types: TypeWriter,
): { readonly uses: string; readonly aliases: string } {
  const uses = functions
    .filter(({ owner }) => owner === null)
    .map(({ name, shown }): [from: string, to: string] => [name, shown]);
  const aliases: string[] = [];
  if (each.name !== null) {
    for (const [name, resource] of each.resources) uses.push([types.resource(resource), typeName(name)]);
    for (const [name, type] of each.types) {
      const written = types.name(type);
      const plain = /^[A-Z]\w*$/.test(written) && type.kind !== 'string';
      const from = plain ? written : identifier([...path, name].join('-'));
      if (!plain) aliases.push(`    pub type ${from} = ${written};\n`);
      uses.push([from, typeName(name)]);
    }
  }
  const lines = uses.map(([from, to]) => `pub use crate::${from}${from === to ? '' : ` as ${to}`};\n`);
  return { uses: lines.join(''), aliases: aliases.join('') };
}

function moduleOf(full: string | null, name: string, body: string): string {
  const doc = full === null ? '' : `/// \`${full}\`\n`;
  return `${doc}pub mod ${name} {\n${body.replaceAll(/^(?=.)/gm, '    ')}}\n`;
}

function resourceOf(resource: ImportedResource, at: number, types: TypeWriter): string {
  return `    #[link(wasm_import_module = ${literal(coreModule(resource.interface))})]
    unsafe extern "C" {
        #[link_name = ${literal(`[resource-drop]${resource.name}`)}]
        fn drop_${at}(handle: u32);
    }
    resource!(${types.resource(resource)}: drop_${at});
`;
}

function functionOf({ wit, name, owner }: RustImport, at: number, types: TypeWriter, shown: string): string {
  const method = formOf(wit).kind === 'method';
  const names = wit.params.map((param, index) => (method && index === 0 ? 'self' : identifier(param.name)));
  const params = wit.params.map((param, index) =>
    method && index === 0 ? '&self' : `${names[index]}: ${types.argument(param.type)}`,
  );
  const result = wit.result === null ? '' : ` -> ${types.name(wit.result)}`;
  const { declaration, lines } = callOf(wit, names, at, types);
  const text = `/// \`${shown}\`
pub fn ${name}(${params.join(', ')})${result} {
    unsafe {
${lines.map((line) => `        ${line}\n`).join('')}    }
}
`;
  const body = owner === null ? text : `impl ${owner} {\n${text.replaceAll(/^(?=.)/gm, '    ')}}\n`;
  return `    #[link(wasm_import_module = ${literal(coreModule(wit.interface))})]
    unsafe extern "C" {
        #[link_name = ${literal(wit.function)}]
        fn ${declaration};
    }
${body.replaceAll(/^(?=.)/gm, '    ')}`;
}

/** The declaration of the core import, and the lines that call it. */
function callOf(wit: WitFunction, names: readonly string[], at: number, types: TypeWriter) {
  const { flat, inMemory, behind, result } = coreCall(wit);
  const params = inMemory ? ['__given: *mut u8'] : flat.map((type, index) => `a${index}: ${CORE_TYPES[type]}`);
  const args = inMemory ? ['__given'] : flat.map((type, index) => fromBits(type, `__slots.values[${index}]`));
  const lines = ['let mut __kept = Kept::new();'];
  if (inMemory) {
    const layouts = wit.params.map(
      (param) => `(<${types.argument(param.type)}>::SIZE, <${types.argument(param.type)}>::ALIGN)`,
    );
    lines.push(
      `let __given = __kept.take(record_layout(&[${layouts.join(', ')}]));`,
      'let mut __fields = Fields::at(__given);',
      ...names.map((name, index) => {
        const type = types.argument(wit.params[index]!.type);
        return `Lent::lay(&${name}, __fields.next::<${type}>(), &mut __kept);`;
      }),
    );
  } else {
    lines.push(
      'let mut __slots = Slots::new();',
      ...names.map((name) => `Lent::lower(&${name}, &mut __slots, &mut __kept);`),
    );
  }
  const call = `__import_${at}(${[...args, ...(behind ? ['__area'] : [])].join(', ')})`;
  if (behind) lines.push(`lent::answer(&mut __kept, |__area| ${call})`);
  else if (result === null) lines.push(`${call};`);
  else lines.push(`let __bits = ${bitsOf(result, call)};`, 'Value::lift(&mut Flat(&[__bits]))');
  const declared = [...params, ...(behind ? ['__area: *mut u8'] : [])].join(', ');
  const type = result === null ? '' : ` -> ${CORE_TYPES[result]}`;
  return { declaration: `__import_${at}(${declared})${type}`, lines };
}
