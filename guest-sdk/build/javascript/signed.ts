import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import { flatten } from '../bindings/flat-type.ts';

/**
 * JavaScript that gives the value `name` of a type with its 64-bit integers signed, or null when there is nothing to do.
 *
 * StarlingMonkey (componentize-js 0.23) hands a negative s64 to a function as the unsigned integer of the same bits.
 */
export function signed(type: WitType, name: string): string | null {
  const each = (inner: WitType) => {
    const fixed = signed(inner, 'v');
    return fixed === null ? null : `((v) => ${fixed})`;
  };
  switch (type.kind) {
    case 's64':
      return `BigInt.asIntN(64, ${name})`;
    case 'list': {
      // A list of s64 itself comes as a BigInt64Array, which is right.
      const fix = type.element.kind === 's64' ? null : each(type.element);
      return fix === null ? null : `${name}.map(${fix})`;
    }
    case 'tuple':
      return members(
        name,
        type.elements.map((element, at) => [String(at), each(element)]),
        '[',
        ']',
      );
    case 'record':
      return members(
        name,
        type.fields.map((field) => [camel(field.name), each(field.type)]),
        '{',
        '}',
      );
    case 'option': {
      const fix = each(type.some);
      if (fix === null) return null;
      const nested = `${name}.tag === 'some' ? { tag: 'some', val: ${fix}(${name}.val) } : ${name}`;
      return type.some.kind === 'option' ? `(${nested})` : `(${name} == null ? ${name} : ${fix}(${name}))`;
    }
    case 'result':
      return cases(name, [
        ['ok', type.ok === null ? null : each(type.ok)],
        ['err', type.err === null ? null : each(type.err)],
      ]);
    case 'variant':
      return cases(
        name,
        type.cases.map((c) => [c.name, c.type === null ? null : each(c.type)]),
      );
    default:
      return null;
  }
}

/**
 * Refuses results that StarlingMonkey (componentize-js 0.23) cannot give: it traps on a negative s64 that is the whole result.
 * @throws CloudletError `unsupported-type` naming the function and the ways around.
 */
export function refuseBareS64(functions: readonly WitFunction[]): void {
  for (const fn of functions) {
    if (fn.result === null || flatten(fn.result).join() !== 'i64' || signed(fn.result, 'v') === null) continue;
    throw new CloudletError(
      'unsupported-type',
      `${formatFunction(fn)}: StarlingMonkey cannot give a negative s64 as the whole result; give option<s64> or result<s64, string>, or write the function in C`,
    );
  }
}

type Fixes = readonly (readonly [string, string | null])[];

function members(name: string, fixes: Fixes, open: string, close: string): string | null {
  if (fixes.every(([, fix]) => fix === null)) return null;
  const parts = fixes.map(([key, fix]) => {
    const value = `${name}[${JSON.stringify(key)}]`;
    return `${open === '{' ? `${JSON.stringify(key)}: ` : ''}${fix === null ? value : `${fix}(${value})`}`;
  });
  return `(${open}${parts.join(', ')}${close})`;
}

function cases(name: string, fixes: Fixes): string | null {
  const needed = fixes.filter(([, fix]) => fix !== null);
  if (needed.length === 0) return null;
  const tests = needed.map(
    ([tag, fix]) =>
      `${name}.tag === ${JSON.stringify(tag)} ? { tag: ${JSON.stringify(tag)}, val: ${fix}(${name}.val) } : `,
  );
  return `(${tests.join('')}${name})`;
}

/** `item-back` → `itemBack`, as JavaScript components name things. */
export function camel(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
