import type { WitType } from '../../protocol/index.ts';
import { signature } from '../bindings/signature.ts';
import { upperSnake } from '../bindings/word.ts';
import type { CExport } from './export.ts';
import type { CImportedInterface } from './import.ts';
import type { TypeWriter } from './type-writer.ts';

/** The header that the author includes: types, helpers, the functions to write, and those that the world imports. */
export function writeHeader(
  prefix: string,
  exports: readonly CExport[],
  imports: readonly CImportedInterface[],
  names: ReadonlyMap<WitType, string>,
  types: TypeWriter,
): string {
  const guard = `CLOUDLET_${upperSnake(prefix)}_H`;
  const string = types.name({ kind: 'string' });
  const made = [
    ...exports.flatMap(({ wit }) => (wit.result === null ? [] : [wit.result])),
    ...imports.flatMap((each) => each.functions).flatMap(({ wit }) => wit.params.map((param) => param.type)),
  ];
  const makers = made.map((type) => maker(type, types));
  const functions = exports.map((each) => `/* ${signature(each.wit, names)} */\n${each.prototype};\n`);
  const toWrite = functions.length === 0 ? '' : `/* The functions to write. */\n\n${functions.join('\n')}`;
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
 * Memory. What a function is given, what an import gives it, and what it takes with the two functions below, stays until its
 * answer has been read and is then freed. So arguments, parts of them, literals and such memory can all be part of the answer, and
 * none of it is freed by hand.
 */

/* Memory for the answer. Never NULL: without memory the function traps. */
void *${prefix}_allocate(size_t bytes);

/* Hands over a block from malloc, which then is freed after the answer. Gives the block. */
void *${prefix}_adopt(void *block);

/*
 * Frees what was given or taken since a mark, at once: for a loop that would need too much, and for a program, whose main has no
 * answer. Nothing of it may be used after that.
 */
size_t ${prefix}_mark(void);
void ${prefix}_release(size_t mark);

/* A string that ends with a zero byte as one that does not; nothing is copied. */
${string} ${prefix}_string(const char *text);

${[...new Set(makers)].join('')}${toWrite}${imported(imports, names)}
#ifdef __cplusplus
}
#endif
#endif
`;
}

/** What a world imports, by interface. */
function imported(imports: readonly CImportedInterface[], names: ReadonlyMap<WitType, string>): string {
  if (imports.length === 0) return '';
  const interfaces = imports.map(({ name, functions }) => {
    const written = functions.map((each) =>
      each.wit.function.startsWith('[resource-drop]')
        ? `/* Gives the handle back; it is not to be used after that. */\n${each.prototype};\n`
        : `/* ${signature(each.wit, names)} */\n${each.prototype};\n`,
    );
    const title = name === null ? '' : `/* ${name} */\n\n`;
    return written.length === 0 ? '' : `\n${title}${written.join('\n')}`;
  });
  return `
/*
 * What the world imports. What an import takes stays the caller's, and nothing of it has to outlive the call. Handles are the
 * exception: one that it takes as \`borrow<…>\` stays the caller's, one without that word is given away and not to be used again.
 * What it gives is freed as said above; a handle is given back by its drop function, or with the instance when the call has ended.
 */
${interfaces.join('')}`;
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
