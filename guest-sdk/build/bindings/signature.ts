import { formatType, type WitFunction, type WitType } from '../../protocol/index.ts';

/**
 * A function as its author wrote it, for the comments of generated code: types by their names where they have one, since what a type of
 * WASI is made of can be a thousand letters.
 */
export function signature(fn: WitFunction, names: ReadonlyMap<WitType, string>): string {
  const text = (type: WitType): string => {
    switch (type.kind) {
      case 'list':
        return `list<${text(type.element)}>`;
      case 'option':
        return `option<${text(type.some)}>`;
      case 'tuple':
        return `tuple<${type.elements.map(text).join(', ')}>`;
      case 'result': {
        const ok = type.ok === null ? '_' : text(type.ok);
        if (type.err === null) return type.ok === null ? 'result' : `result<${ok}>`;
        return `result<${ok}, ${text(type.err)}>`;
      }
      default:
        return names.get(type) ?? formatType(type);
    }
  };
  const params = fn.params.map((param) => `${param.name}: ${text(param.type)}`).join(', ');
  return `${fn.name}: func(${params})${fn.result === null ? '' : ` -> ${text(fn.result)}`}`;
}
