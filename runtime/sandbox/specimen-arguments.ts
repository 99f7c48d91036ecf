import { decodeArguments, type WitFunction, type WitType, writeBindingValue } from '../../guest-sdk/protocol/index.ts';

/** A small value, and the smallest: what is done with a text, a list or a number is seldom what is done with none. */
const SIZES = ['one', 'zero'] as const;

type Size = (typeof SIZES)[number];

/**
 * Arguments for a function whose callers are not known yet, encoded as a call carries them: ones, then zeros, if these are not the same. None for
 * a function that cannot be called. Pure.
 */
export function specimenArguments(wit: WitFunction): Uint8Array[] {
  try {
    const inputs = SIZES.map((size) => {
      const values = wit.params.map(({ type }) => specimenOf(type, size));
      return writeBindingValue(decodeArguments(wit, values, 'json'));
    });
    return wit.params.length === 0 ? inputs.slice(1) : inputs;
  } catch {
    return []; // A type that cannot be called.
  }
}

/** A value of a type, as JSON carries it. */
function specimenOf(type: WitType, size: Size): unknown {
  const isOne = size === 'one';
  switch (type.kind) {
    case 'bool':
      return isOne;
    case 'char':
      return isOne ? 'a' : '0';
    case 'string':
      return isOne ? 'a' : '';
    case 'list':
      if (type.element.kind === 'u8') return isOne ? 'AQ==' : '';
      return isOne ? [specimenOf(type.element, size)] : [];
    case 'tuple':
      return type.elements.map((each) => specimenOf(each, size));
    case 'record':
      return Object.fromEntries(type.fields.map((field) => [field.name, specimenOf(field.type, size)]));
    case 'variant':
      return variantOf(type.cases.at(isOne ? -1 : 0), size);
    case 'enum':
      return type.cases.at(isOne ? -1 : 0);
    case 'flags':
      return isOne ? type.names : [];
    case 'option':
      if (!isOne) return null;
      return type.some.kind === 'option' ? { some: specimenOf(type.some, size) } : specimenOf(type.some, size);
    case 'result':
      return { ok: type.ok === null ? null : specimenOf(type.ok, size) };
    case 'unsupported':
      return null;
    default:
      return isOne ? 1 : 0;
  }
}

function variantOf(chosen: { readonly name: string; readonly type: WitType | null } | undefined, size: Size): unknown {
  if (chosen === undefined) return null;
  return chosen.type === null ? { tag: chosen.name } : { tag: chosen.name, val: specimenOf(chosen.type, size) };
}
