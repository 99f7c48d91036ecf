import type { WitField, WitFunction } from '../../protocol/index.ts';
import { coreCall } from '../bindings/core-call.ts';
import { type FlatType, flatten } from '../bindings/flat-type.ts';
import { ARENA } from './arena.ts';
import type { CExport } from './export.ts';
import { type FlatValue, liftFlat, lowerFlat } from './flat-value.ts';
import { identifier, literal } from './identifier.ts';
import type { CImport, CImportedInterface } from './import.ts';
import { prototype } from './prototype.ts';
import type { TypeWriter } from './type-writer.ts';

const CORE_TYPES: Readonly<Record<FlatType, string>> = { i32: 'int32_t', i64: 'int64_t', f32: 'float', f64: 'double' };

/** The C file between the canonical ABI and the author's functions, and between these and what the world imports. */
export function writeGlue(
  prefix: string,
  exports: readonly CExport[],
  imports: readonly CImportedInterface[],
  types: TypeWriter,
): string {
  const string = types.name({ kind: 'string' });
  const imported = imports.flatMap((each) => each.functions);
  return `/* Generated from the WIT of the world "${prefix}" on every build; changes are lost. */
#include "${prefix}.h"
${ARENA}
void *${prefix}_allocate(size_t bytes) { return keep(take(NULL, bytes == 0 ? 1 : bytes)); }

void *${prefix}_adopt(void *block) { return keep(block); }

size_t ${prefix}_mark(void) { return arena.count; }

void ${prefix}_release(size_t mark) { release(mark); }

${string} ${prefix}_string(const char *text) { return (${string}){(char *)(uintptr_t)text, strlen(text)}; }
${imported.map((each, at) => caller(each, at, types)).join('')}${exports.map((each, at) => wrapper(each, at, types)).join('')}`;
}

function wrapper(each: CExport, at: number, types: TypeWriter): string {
  const { params, lift } = parameters(each.wit, types);
  const args = each.wit.params.map(argument).join(', ');
  const signature = `${params.length === 0 ? 'void' : params.join(', ')}`;
  const open = `\nEXPORT(${literal(each.core)})\n`;
  const call = `${each.name}(${args})`;
  const { result } = each.wit;
  if (result === null) {
    return `${open}void export_${at}(${signature}) {\n${lift}  ${call};\n  release(0);\n}\n`;
  }
  const { result: core } = coreCall(each.wit);
  if (core !== null) {
    const slot = { name: 'core', type: core };
    return `${open}${CORE_TYPES[core]} export_${at}(${signature}) {
${lift}  ${types.name(result)} result = ${call};
  release(0);
  ${CORE_TYPES[core]} core = 0;
${indented(lowerFlat(result, 'result', [slot]))}  return core;
}
`;
  }
  return `${open}void *export_${at}(${signature}) {
${lift}  static ${types.name(result)} result;
  result = ${call};
  return &result;
}

EXPORT(${literal(`cabi_post_${each.core}`)})
void post_${at}(void *result) {
  (void)result;
  release(0);
}
`;
}

/** Core parameters, and the C that makes the author's arguments of them. */
function parameters(wit: WitFunction, types: TypeWriter): { readonly params: string[]; readonly lift: string } {
  const { flat, inMemory } = coreCall(wit);
  if (inMemory) {
    const loads = wit.params.map(
      (param) => `${types.name(param.type)} ${argument(param)} = arguments->${identifier(param.name)};`,
    );
    return { params: ['void *core'], lift: `  ${record(wit, types)} *arguments = core;\n${indented(loads)}` };
  }
  const lines = wit.params.flatMap((param, at) => [
    `${types.name(param.type)} ${argument(param)} = {0};`,
    ...liftFlat(param.type, argument(param), slotsOf(wit, at), types),
  ]);
  return { params: flat.map((type, at) => `${CORE_TYPES[type]} core${at}`), lift: indented(lines) };
}

/** A core import, and the function by which the author calls it. */
function caller({ wit, name, core: [module, field] }: CImport, at: number, types: TypeWriter): string {
  const { flat, inMemory, behind, result: core } = coreCall(wit);
  const lines: string[] = [];
  if (inMemory) lines.push(`${record(wit, types)} given = {${wit.params.map(argument).join(', ')}};`);
  else {
    lines.push(...flat.map((type, index) => `${CORE_TYPES[type]} core${index} = 0;`));
    lines.push(...wit.params.flatMap((param, index) => lowerFlat(param.type, argument(param), slotsOf(wit, index))));
  }
  const args = inMemory ? ['&given'] : flat.map((_, index) => `core${index}`);
  const call = `import_${at}(${[...args, ...(behind ? ['&answer'] : [])].join(', ')})`;
  if (wit.result === null) lines.push(`${call};`);
  else {
    lines.push(`${types.name(wit.result)} answer${behind ? '' : ' = {0}'};`);
    if (core === null) lines.push(`${call};`);
    else {
      lines.push(`${CORE_TYPES[core]} core = ${call};`);
      lines.push(...liftFlat(wit.result, 'answer', [{ name: 'core', type: core }], types));
    }
    lines.push('return answer;');
  }
  const declared = [
    ...(inMemory ? ['const void *'] : flat.map((type) => CORE_TYPES[type])),
    ...(behind ? ['void *'] : []),
  ];
  return `
__attribute__((import_module(${literal(module)}), import_name(${literal(field)})))
${core === null ? 'void' : CORE_TYPES[core]} import_${at}(${declared.length === 0 ? 'void' : declared.join(', ')});

${prototype(wit, name, types, 'arg_')} {
${indented(lines)}}
`;
}

function argument(param: WitField): string {
  return `arg_${identifier(param.name)}`;
}

/** The core variables of a parameter. */
function slotsOf(wit: WitFunction, at: number): FlatValue[] {
  const first = coreCall(wit).slots[at] ?? 0;
  return flatten(wit.params[at]!.type).map((type, index) => ({ name: `core${first + index}`, type }));
}

/** All parameters as they lie in memory. */
function record(wit: WitFunction, types: TypeWriter): string {
  return `struct { ${wit.params.map((param) => `${types.name(param.type)} ${identifier(param.name)};`).join(' ')} }`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join('');
}
