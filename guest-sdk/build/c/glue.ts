import type { WitType } from '../../protocol/index.ts';
import { ARENA } from './arena.ts';
import type { CExport } from './export.ts';
import { type FlatType, flatten, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from './flat-type.ts';
import { liftFlat, lowerFlat } from './flat-value.ts';
import { identifier, literal } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';

const CORE_TYPES: Readonly<Record<FlatType, string>> = { i32: 'int32_t', i64: 'int64_t', f32: 'float', f64: 'double' };

/** The C file between the canonical ABI's exports and the author's functions. */
export function writeGlue(prefix: string, exports: readonly CExport[], types: TypeWriter): string {
  const string = types.name({ kind: 'string' });
  return `/* Generated from the WIT of the world "${prefix}" on every build; changes are lost. */
#include "${prefix}.h"
${ARENA}
void *${prefix}_allocate(size_t bytes) { return keep(take(NULL, bytes == 0 ? 1 : bytes)); }

void *${prefix}_adopt(void *block) { return keep(block); }

${string} ${prefix}_string(const char *text) { return (${string}){(char *)(uintptr_t)text, strlen(text)}; }
${exports.map((each, at) => wrapper(each, at, types)).join('')}`;
}

function wrapper(each: CExport, at: number, types: TypeWriter): string {
  const { params, lift } = parameters(each, types);
  const args = each.wit.params.map((param) => `arg_${identifier(param.name)}`).join(', ');
  const signature = `${params.length === 0 ? 'void' : params.join(', ')}`;
  const open = `\nEXPORT(${literal(each.core)})\n`;
  const call = `${each.name}(${args})`;
  const { result } = each.wit;
  if (result === null) {
    return `${open}void export_${at}(${signature}) {\n${lift}  ${call};\n  release();\n}\n`;
  }
  const flat = flatten(result);
  if (flat.length <= MAX_FLAT_RESULTS) {
    const core = CORE_TYPES[flat[0] ?? 'i32'];
    return `${open}${core} export_${at}(${signature}) {
${lift}  ${types.name(result)} result = ${call};
  release();
  return ${lowerFlat(result, 'result')};
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
  release();
}
`;
}

/** Core parameters, and the C that makes the author's arguments of them. */
function parameters({ wit }: CExport, types: TypeWriter): { readonly params: string[]; readonly lift: string } {
  const flats = wit.params.map((param) => flatten(param.type));
  const local = (name: string, type: WitType, value: string) =>
    `  ${types.name(type)} arg_${identifier(name)} = ${value};\n`;
  if (flats.flat().length > MAX_FLAT_PARAMS) {
    const fields = wit.params.map((param) => `${types.name(param.type)} ${identifier(param.name)};`).join(' ');
    const loads = wit.params.map((param) => local(param.name, param.type, `arguments->${identifier(param.name)}`));
    return { params: ['void *core'], lift: `  struct { ${fields} } *arguments = core;\n${loads.join('')}` };
  }
  const params: string[] = [];
  let lift = '';
  for (const [at, param] of wit.params.entries()) {
    const values = (flats[at] ?? []).map((type) => {
      const name = `core${params.length}`;
      params.push(`${CORE_TYPES[type]} ${name}`);
      return { name, type };
    });
    lift += local(param.name, param.type, '{0}');
    lift += liftFlat(param.type, `arg_${identifier(param.name)}`, values, types)
      .map((line) => `  ${line}\n`)
      .join('');
  }
  return { params, lift };
}
