import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import type { World } from '../c/bindings.ts';
import { type FlatType, flatten, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from '../c/flat-type.ts';
import { member } from './identifier.ts';
import { layoutOf, membersOf } from './layout.ts';
import { TypeWriter } from './type-writer.ts';
import { ValueWriter } from './value-writer.ts';

/** What is generated for a world. */
export interface AssemblyScriptBindings {
  /** Name of the module with the types, for the author's imports. */
  readonly module: string;
  readonly types: string;
  /** The entry, which imports the author's by the name `AUTHOR`. */
  readonly glue: string;
  /** What the core exports are to be called: names of the glue and of the canonical ABI. */
  readonly names: ReadonlyMap<string, string>;
}

/** Name by which the glue imports the author's entry, which may have any. */
export const AUTHOR = 'cloudlet-author';

const PRELUDE = `export class Option<T> {
  constructor(public isSome: bool, public value: T) {}
}
export class Result<T, E> {
  constructor(public isOk: bool, public ok: T, public err: E) {}
}
export function some<T>(value: T): Option<T> { return new Option<T>(true, value); }
export function none<T>(): Option<T> { return new Option<T>(false, zero<T>()); }
export function ok<T, E>(value: T): Result<T, E> { return new Result<T, E>(true, value, zero<E>()); }
export function err<T, E>(value: E): Result<T, E> { return new Result<T, E>(false, zero<T>(), value); }
/** What a member holds that no one reads. */
export function zero<T>(): T {
  if (isReference<T>()) return changetype<T>(<usize>0);
  return <T>0;
}
`;

/** Memory of a call: what the host allocates for arguments and what is laid out for the answer is freed after it was read. */
const MEMORY = `let blocks: usize = 0;
function take(size: usize): usize {
  const block = heap.alloc(size + 16);
  store<usize>(block, blocks);
  blocks = block;
  return block + 16;
}
function release(): void {
  while (blocks != 0) {
    const next = load<usize>(blocks);
    heap.free(blocks);
    blocks = next;
  }
  __collect();
}
export function reallocate(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  const block = take(size);
  if (oldSize != 0) memory.copy(block, old, min(oldSize, size));
  return block;
}
function takeString(start: usize, length: i32): string { return String.UTF8.decodeUnsafe(start, length); }
function giveString(at: usize, value: string): void {
  const length = String.UTF8.byteLength(value);
  const start = length == 0 ? 1 : take(length);
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, start);
  store<u32>(at, <u32>start);
  store<u32>(at + 4, length);
}
function takeNumbers<T extends ArrayBufferView>(start: usize, length: i32, size: i32): T {
  const list = instantiate<T>(length);
  memory.copy(list.dataStart, start, <usize>length * size);
  return list;
}
function giveNumbers<T extends ArrayBufferView>(at: usize, value: T, size: i32, align: usize): void {
  const bytes = <usize>value.byteLength;
  const start = bytes == 0 ? align : take(bytes);
  memory.copy(start, value.dataStart, bytes);
  store<u32>(at, <u32>start);
  store<u32>(at + 4, <u32>(bytes / size));
}
`;

/**
 * Writes the AssemblyScript bindings of a world: a module of its types, and the glue between the author's functions and the canonical ABI.
 * @throws CloudletError `unsupported-type` naming the function.
 */
export function generateAssemblyScript({ name, functions, names }: World): AssemblyScriptBindings {
  const types = new TypeWriter(names);
  const values = new ValueWriter(types);
  const exported = new Map([['reallocate', 'cabi_realloc']]);
  const calls = functions.map((fn, at) => {
    const core = fn.interface === null ? fn.function : `${fn.interface}#${fn.function}`;
    exported.set(`call_${at}`, core).set(`post_${at}`, `cabi_post_${core}`);
    return callOf(fn, at, values);
  });
  const used = [...types.definitions.matchAll(/^export (?:class|enum) (\w+)/gm)].map((match) => match[1] ?? '');
  const imports = ['Option', 'Result', 'ok', 'err', 'none', ...used];
  const header = `// Generated from the WIT of the world ${JSON.stringify(name)} on every build; changes are lost.\n`;
  const functionsOf = functions.map((fn) => `//   ${formatFunction(fn)}\n`).join('');
  return {
    module: name,
    types: `${header}// The functions to write:\n${functionsOf}${PRELUDE}${types.definitions}`,
    glue: `${header}import { ${imports.join(', ')} } from ${JSON.stringify(name)};
import * as author from "./${AUTHOR}";
const slots = memory.data(${MAX_FLAT_PARAMS * 8}, 8);
${MEMORY}${values.functions}${calls.join('')}`,
    names: exported,
  };
}

function callOf(fn: WitFunction, at: number, values: ValueWriter): string {
  try {
    if (fn.async)
      throw new CloudletError('unsupported-type', 'AssemblyScript functions cannot be async; leave the word out');
    const flat = fn.params.flatMap((param) => flatten(param.type));
    const inMemory = flat.length > MAX_FLAT_PARAMS;
    const { offsets } = membersOf(fn.params.map((param) => param.type));
    let slot = 0;
    const args = fn.params.map((param, index) => {
      const own = slot * 8;
      slot += flatten(param.type).length;
      return inMemory ? values.load(param.type, `at + ${offsets[index]}`) : values.lift(param.type, `slots + ${own}`);
    });
    const params = inMemory ? 'at: usize' : flat.map((type, index) => `a${index}: ${type}`).join(', ');
    const saved = inMemory
      ? []
      : flat.map((type, index) => `store<u64>(slots + ${index * 8}, ${bitsOf(type, `a${index}`)});`);
    const locals = args.map((arg, index) => `const p${index} = ${arg};`);
    const path = fn.interface === null ? '' : `${member(fn.interface.replace(/^.*\//, '').replace(/@.*$/, ''))}.`;
    const call = `author.${path}${member(fn.function)}(${args.map((_, index) => `p${index}`).join(', ')})`;
    return `export function call_${at}(${params}): ${answerOf(fn.result, call, values, [...saved, ...locals], at)}`;
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    throw new CloudletError(error.code, `${formatFunction(fn)}: ${error.message}`, { cause: error });
  }
}

/** The core result's type, and the body that gives it. */
function answerOf(
  result: WitType | null,
  call: string,
  values: ValueWriter,
  before: readonly string[],
  at: number,
): string {
  const body = (lines: readonly string[]) => `{\n${[...before, ...lines].map((line) => `  ${line}\n`).join('')}}\n`;
  if (result === null) return `void ${body([`${call};`, 'release();'])}`;
  const flat = flatten(result);
  const answer = `const answer: ${values.type(result)} = ${call};`;
  const { size } = layoutOf(result);
  const stored = [
    answer,
    `const to = take(${Math.max(size, 8)});`,
    'store<u64>(to, 0);',
    values.store(result, 'to', 'answer'),
  ];
  if (flat.length > MAX_FLAT_RESULTS)
    return `usize ${body([...stored, 'return to;'])}export function post_${at}(to: usize): void { release(); }\n`;
  // One core value: what lies there, read as an integer or float of the type's width.
  const core = flat[0] ?? 'i32';
  const signed = isSigned(result) ? 'i' : 'u';
  const read = core === 'i32' ? `${signed}${size * 8}` : core;
  return `${core} ${body([...stored, `const core: ${core} = load<${read}>(to);`, 'release();', 'return core;'])}`;
}

/** Whether the one scalar that a type comes to is a signed integer, whose sign its core value has to carry on. */
function isSigned(type: WitType): boolean {
  if (type.kind === 'record') return type.fields.some((field) => isSigned(field.type));
  if (type.kind === 'tuple') return type.elements.some(isSigned);
  return type.kind === 's8' || type.kind === 's16' || type.kind === 's32';
}

function bitsOf(type: FlatType, name: string): string {
  if (type === 'i32') return `<u64><u32>${name}`;
  if (type === 'i64') return `<u64>${name}`;
  return type === 'f32' ? `<u64>reinterpret<u32>(${name})` : `reinterpret<u64>(${name})`;
}
