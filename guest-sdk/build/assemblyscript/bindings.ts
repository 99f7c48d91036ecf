import type { WitFunction, WitType } from '../../protocol/index.ts';
import { coreCall, coreName } from '../bindings/core-call.ts';
import { MAX_FLAT_PARAMS } from '../bindings/flat-type.ts';
import { coreModule, shortName } from '../bindings/imported-function.ts';
import { layoutOf, membersOf } from '../bindings/layout.ts';
import { naming, refuseExport, refuseImport } from '../bindings/refuse-function.ts';
import { signature } from '../bindings/signature.ts';
import type { World } from '../bindings/world.ts';
import { member } from './identifier.ts';
import { bitsOf, writeImports } from './imports.ts';
import { TypeWriter } from './type-writer.ts';
import { ValueWriter } from './value-writer.ts';

/** What is generated for a world. */
export interface AssemblyScriptBindings {
  /** Name of the module with the types, for the author's imports. */
  readonly module: string;
  readonly types: string;
  /** The module beside it that carries values. */
  readonly values: string;
  /** A part of the entry, which imports the author's as `author`. */
  readonly glue: string;
  /** What the core exports are to be called: names of the glue and of the canonical ABI. */
  readonly names: ReadonlyMap<string, string>;
  /** Modules of core imports that the world has. */
  readonly modules: ReadonlySet<string>;
}

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

/**
 * Writes the AssemblyScript bindings of a world: a module of its types, and the glue between the author's functions and the canonical ABI.
 * @throws CloudletError `unsupported-type` naming the function.
 */
export function generateAssemblyScript(world: World): AssemblyScriptBindings {
  const { name, functions, imports = [], names, handles = new Map() } = world;
  const types = new TypeWriter({ names, handles });
  const values = new ValueWriter(types);
  const exported = new Map<string, string>();
  const calls = functions.map((fn, at) => {
    const core = coreName(fn);
    exported.set(`call_${at}`, core).set(`post_${at}`, `cabi_post_${core}`);
    return callOf(fn, at, values);
  });
  for (const wit of imports.flatMap((each) => each.functions)) refuseImport('AssemblyScript', wit, handles);
  const imported = writeImports(imports, names, types, values);
  const used = [...types.definitions.matchAll(/^export (?:class|enum) (\w+)/gm)].map((match) => match[1] ?? '');
  const resources = [...imported.matchAll(/^export class (\w+)/gm)].map((match) => match[1] ?? '');
  const typesUsed = ['Option', 'Result', 'ok', 'err', 'none', ...used, ...resources].join(', ');
  const header = `// Generated from the WIT of the world ${JSON.stringify(name)} on every build; changes are lost.\n`;
  const functionsOf = functions.map((fn) => `//   ${signature(fn, names)}\n`).join('');
  return {
    module: name,
    types: `${header}// The functions to write:\n${functionsOf}import * as values from "./values";\n${PRELUDE}${types.definitions}${imported}`,
    values: `${header}import { ${typesUsed} } from "./index";\nimport { giveNumbers, giveString, take, takeNumbers, takeString } from "cloudlet/memory";\nexport { mark, release, take, unwind } from "cloudlet/memory";\n${values.functions}`,
    glue: `${header}import { ${typesUsed} } from ${JSON.stringify(name)};
import * as values from ${JSON.stringify(`${name}/values`)};
const slots = memory.data(${MAX_FLAT_PARAMS * 8}, 8);
${calls.join('')}`,
    modules: new Set(imports.map((each) => coreModule(each.name))),
    names: exported,
  };
}

function callOf(fn: WitFunction, at: number, values: ValueWriter): string {
  refuseExport('AssemblyScript', fn);
  return naming(fn, () => {
    const { flat, slots, inMemory } = coreCall(fn);
    const { offsets } = membersOf(fn.params.map((param) => param.type));
    const args = fn.params.map(
      ({ type }, index) =>
        `values.${inMemory ? values.load(type, `at + ${offsets[index]}`) : values.lift(type, `slots + ${slots[index]! * 8}`)}`,
    );
    const params = inMemory ? 'at: usize' : flat.map((type, index) => `a${index}: ${type}`).join(', ');
    const saved = inMemory
      ? []
      : flat.map((type, index) => `store<u64>(slots + ${index * 8}, ${bitsOf(type, `a${index}`)});`);
    const locals = args.map((arg, index) => `const p${index} = ${arg};`);
    const path = fn.interface === null ? '' : `${member(shortName(fn.interface))}.`;
    const call = `author.${path}${member(fn.function)}(${args.map((_, index) => `p${index}`).join(', ')})`;
    return `export function call_${at}(${params}): ${answerOf(fn, call, values, [...saved, ...locals], at)}`;
  });
}

/** The core result's type, and the body that gives it. */
function answerOf(fn: WitFunction, call: string, values: ValueWriter, before: readonly string[], at: number): string {
  const body = (lines: readonly string[]) => `{\n${[...before, ...lines].map((line) => `  ${line}\n`).join('')}}\n`;
  const { result } = fn;
  if (result === null) return `void ${body([`${call};`, 'values.release();'])}`;
  const { behind, result: core } = coreCall(fn);
  const answer = `const answer: ${values.type(result)} = ${call};`;
  const { size } = layoutOf(result);
  const stored = [
    answer,
    `const to = values.take(${Math.max(size, 8)});`,
    'store<u64>(to, 0);',
    `values.${values.store(result, 'to', 'answer')}`,
  ];
  if (behind || core === null)
    return `usize ${body([...stored, 'return to;'])}export function post_${at}(to: usize): void { values.release(); }\n`;
  // One core value: what lies there, read as an integer or float of the type's width.
  const signed = isSigned(result) ? 'i' : 'u';
  const read = core === 'i32' ? `${signed}${size * 8}` : core;
  return `${core} ${body([...stored, `const core: ${core} = load<${read}>(to);`, 'values.release();', 'return core;'])}`;
}

/** Whether the one scalar that a type comes to is a signed integer, whose sign its core value has to carry on. */
function isSigned(type: WitType): boolean {
  if (type.kind === 'record') return type.fields.some((field) => isSigned(field.type));
  if (type.kind === 'tuple') return type.elements.some(isSigned);
  return type.kind === 's8' || type.kind === 's16' || type.kind === 's32';
}
