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

#ifdef __cplusplus
extern "C" {
#endif

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
#ifdef __cplusplus
}
#endif
#endif
`;
}

/** Short ways to write the answers that nearly every function has. */
function maker(type: WitType, types: TypeWriter): string {
  const name = types.name(type);
  const stem = name.replace(/_t$/, '');
  if (type.kind === 'option') {
    return (
      inline(name, `${stem}_some`, 'is_some', true, ['value', type.some], types) +
      inline(name, `${stem}_none`, 'is_some', false, null, types)
    );
  }
  if (type.kind !== 'result') return '';
  const of = (which: 'ok' | 'err', payload: WitType | null) =>
    inline(
      name,
      `${stem}_${which}`,
      'is_err',
      which === 'err',
      payload === null ? null : [`of.${which}`, payload],
      types,
    );
  return of('ok', type.ok) + of('err', type.err);
}

/** Written with assignments: C++ knows neither compound literals nor designators of inner members. */
function inline(
  type: string,
  name: string,
  tag: string,
  value: boolean,
  payload: readonly [member: string, type: WitType] | null,
  types: TypeWriter,
): string {
  const param = payload === null ? 'void' : `${types.name(payload[1])} value`;
  const lines = [`${type} answer = {};`, `answer.${tag} = ${value};`];
  if (payload !== null) lines.push(`answer.${payload[0]} = value;`);
  return `static inline ${type} ${name}(${param}) {\n  ${[...lines, 'return answer;'].join('\n  ')}\n}\n\n`;
}
