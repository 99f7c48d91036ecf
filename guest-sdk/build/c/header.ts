import { formatFunction, type WitType } from '../../protocol/index.ts';
import type { CExport } from './export.ts';
import { upperSnake } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';

/** The header that the author includes: types, helpers, and the functions to write. */
export function writeHeader(prefix: string, exports: readonly CExport[], types: TypeWriter): string {
  const guard = `CLOUDLET_${upperSnake(prefix)}_H`;
  const string = types.name({ kind: 'string' });
  const makers = exports
    .flatMap(({ wit }) => (wit.result === null ? [] : [wit.result]))
    .map((type) => maker(type, types));
  const functions = exports.map((each) => `/* ${formatFunction(each.wit)} */\n${each.prototype};\n`);
  return `/* Generated from the WIT of the world "${prefix}" on every build; changes are lost. */
#ifndef ${guard}
#define ${guard}

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

${types.definitions}
/*
 * Memory. What a function is given, and what it takes with the two functions below, stays until its answer has been read and is
 * then freed. So arguments, parts of them, literals and such memory can all be part of the answer, and none of it is freed by hand.
 */

/* Memory for the answer. Never NULL: without memory the function traps. */
void *${prefix}_allocate(size_t bytes);

/* Hands over a block from malloc, which then is freed after the answer. Gives the block. */
void *${prefix}_adopt(void *block);

/* A string that ends with a zero byte as one that does not; nothing is copied. */
${string} ${prefix}_string(const char *text);

${[...new Set(makers)].join('')}/* The functions to write. */

${functions.join('\n')}
#endif
`;
}

/** Short ways to write the answers that nearly every function has. */
function maker(type: WitType, types: TypeWriter): string {
  const name = types.name(type);
  const stem = name.replace(/_t$/, '');
  if (type.kind === 'option') {
    return `static inline ${name} ${stem}_some(${types.name(type.some)} value) {
  return (${name}){.is_some = true, .value = value};
}
static inline ${name} ${stem}_none(void) { return (${name}){.is_some = false}; }

`;
  }
  if (type.kind !== 'result') return '';
  return resultMaker(name, stem, 'ok', type.ok, types) + resultMaker(name, stem, 'err', type.err, types);
}

function resultMaker(
  name: string,
  stem: string,
  which: 'ok' | 'err',
  payload: WitType | null,
  types: TypeWriter,
): string {
  const tag = `.is_err = ${which === 'err'}`;
  if (payload === null) return `static inline ${name} ${stem}_${which}(void) { return (${name}){${tag}}; }\n\n`;
  return `static inline ${name} ${stem}_${which}(${types.name(payload)} value) {
  return (${name}){${tag}, .of.${which} = value};
}

`;
}
