import type { ImportedInterface, ImportedResource } from '../../../runtime/index.ts';
import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import { coreCall } from '../bindings/core-call.ts';
import type { FlatType } from '../bindings/flat-type.ts';
import { coreModule, formOf, importPaths } from '../bindings/imported-function.ts';
import { layoutOf, membersOf } from '../bindings/layout.ts';
import { naming } from '../bindings/refuse-function.ts';
import { signature } from '../bindings/signature.ts';
import { callable, member } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';
import type { ValueWriter } from './value-writer.ts';

/** Names that the class of a resource has by itself. */
const OWN_MEMBERS = ['create', 'drop'];

/** Writes what a world imports: a namespace for each interface, with its functions, and a class for each resource. */
export function writeImports(
  imports: readonly ImportedInterface[],
  names: ReadonlyMap<WitType, string>,
  types: TypeWriter,
  values: ValueWriter,
): string {
  const paths = importPaths(imports, new Set());
  const core: string[] = [];
  const members = new Map<ImportedResource, string[]>();
  for (const resource of imports.flatMap((each) => [...each.resources.values()])) members.set(resource, []);
  const tree = new Map<string, string[]>();
  for (const each of imports) {
    const functions: string[] = [];
    const taken = new Set<string>();
    for (const fn of each.functions) {
      const { kind, resource, name } = formOf(fn);
      const into = resource === null ? functions : members.get(each.resources.get(resource)!);
      const text = naming(fn, () => functionOf(fn, core, types, values));
      const own = kind === 'constructor' ? 'create' : callable(name);
      const plain = kind !== 'constructor' && resource !== null && OWN_MEMBERS.includes(own) ? `${own}_` : own;
      if (taken.has(`${resource}.${plain}`))
        throw new CloudletError(
          'build-failed',
          `${formatFunction(fn)}: two functions would be called ${plain}; rename one`,
        );
      taken.add(`${resource}.${plain}`);
      const before = kind === 'function' ? 'export function ' : kind === 'method' ? '' : 'static ';
      into?.push(`/** ${signature(fn, names)} */\n${before}${plain}${text}`);
    }
    const [first = '', second] = each.name === null ? [] : (paths.get(each.name) ?? []);
    const inner = second === undefined ? functions.join('') : namespaceOf(second, functions.join(''));
    tree.set(first, [...(tree.get(first) ?? []), inner]);
  }
  const classes = [...members].map(([resource, written], at) => classOf(resource, at, written, types));
  const spaces = [...tree].map(([name, parts]) => (name === '' ? parts.join('') : namespaceOf(name, parts.join(''))));
  return `${core.join('')}${classes.join('')}${spaces.join('')}`;
}

function namespaceOf(name: string, body: string): string {
  return body === '' ? '' : `export namespace ${member(name)} {\n${body.replaceAll(/^(?=.)/gm, '  ')}}\n`;
}

/** A handle that was given away is 2^32 - 1, which no host gives. */
function classOf(resource: ImportedResource, at: number, members: readonly string[], types: TypeWriter): string {
  return `@external(${JSON.stringify(coreModule(resource.interface))}, ${JSON.stringify(`[resource-drop]${resource.name}`)})
declare function $drop_${at}(handle: u32): void;
export class ${types.resource(resource)} {
  constructor(public handle_: u32) {}
  give_(): u32 {
    const handle = this.handle_;
    this.handle_ = u32.MAX_VALUE;
    return handle;
  }
  /** Gives the resource back; it is not to be used after that. */
  drop(): void {
    if (this.handle_ != u32.MAX_VALUE) $drop_${at}(this.give_());
  }
${members.join('').replaceAll(/^(?=.)/gm, '  ')}}
`;
}

/** Parameters, result and body of a function; its core import is added to `cores`. */
function functionOf(fn: WitFunction, cores: string[], types: TypeWriter, values: ValueWriter): string {
  const method = formOf(fn).kind === 'method';
  const names = fn.params.map((param, at) => (method && at === 0 ? 'this' : member(param.name)));
  const params = fn.params.flatMap((param, at) =>
    method && at === 0 ? [] : [`${names[at]}: ${types.name(param.type)}`],
  );
  const { flat, slots, inMemory, behind, result: core } = coreCall(fn);
  const { offsets, layout } = membersOf(fn.params.map((param) => param.type));
  const lines = ['const $mark = values.mark();'];
  if (flat.length > 0) lines.push(`const $given = values.take(${inMemory ? layout.size : flat.length * 8});`);
  for (const [at, { type }] of fn.params.entries()) {
    const name = names[at] ?? '';
    const own = slots[at]! * 8;
    lines.push(
      `values.${inMemory ? values.store(type, `$given + ${offsets[at]}`, name) : values.lower(type, `$given + ${own}`, name)}`,
    );
  }
  const args = inMemory ? ['$given'] : flat.map((type, at) => coreOf(type, `$given + ${at * 8}`));
  const id = `$import_${cores.length}`;
  const call = `${id}(${[...args, ...(behind ? ['$to'] : [])].join(', ')})`;
  if (fn.result === null) lines.push(`${call};`, 'values.unwind($mark);');
  else {
    lines.push(`const $to = values.take(${Math.max(8, layoutOf(fn.result).size)});`);
    lines.push(behind ? `${call};` : `store<u64>($to, ${bitsOf(core ?? 'i32', call)});`);
    const answer = behind ? values.load(fn.result, '$to') : values.lift(fn.result, '$to');
    lines.push(`const $answer = values.${answer};`, 'values.unwind($mark);', 'return $answer;');
  }
  const declared = inMemory ? ['$given: usize'] : flat.map((type, at) => `a${at}: ${type}`);
  const result = core ?? 'void';
  cores.push(`@external(${JSON.stringify(coreModule(fn.interface))}, ${JSON.stringify(fn.function)})
declare function ${id}(${[...declared, ...(behind ? ['to: usize'] : [])].join(', ')}): ${result};
`);
  const gives = fn.result === null ? 'void' : types.name(fn.result);
  return `(${params.join(', ')}): ${gives} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

function coreOf(type: FlatType, at: string): string {
  if (type === 'f32') return `reinterpret<f32>(<u32>load<u64>(${at}))`;
  return type === 'f64' ? `reinterpret<f64>(load<u64>(${at}))` : `<${type}>load<u64>(${at})`;
}

/** A core value as 64 bits. */
export function bitsOf(type: FlatType, name: string): string {
  if (type === 'i32') return `<u64><u32>${name}`;
  if (type === 'i64') return `<u64>${name}`;
  return type === 'f32' ? `<u64>reinterpret<u32>(${name})` : `reinterpret<u64>(${name})`;
}
