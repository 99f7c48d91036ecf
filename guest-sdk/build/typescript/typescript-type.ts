import { bindingName, hasTag, type WitType } from '../../protocol/index.ts';

const NUMERIC_LISTS: Readonly<Record<string, string>> = {
  s8: 'Int8Array',
  u16: 'Uint16Array',
  s16: 'Int16Array',
  u32: 'Uint32Array',
  s32: 'Int32Array',
  u64: 'BigUint64Array',
  s64: 'BigInt64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/**
 * A WIT type as TypeScript writes what the bindings of a component take and give. As `input` a list of numbers may be an array, too. What cannot be carried
 * over HTTP is `never`.
 */
export function typescriptType(type: WitType, use: 'input' | 'output'): string {
  const inner = (part: WitType) => typescriptType(part, use);
  switch (type.kind) {
    case 'bool':
      return 'boolean';
    case 's64':
    case 'u64':
      return 'bigint';
    case 'char':
    case 'string':
      return 'string';
    case 'list':
      return listType(type.element, use);
    case 'tuple':
      return `readonly [${type.elements.map(inner).join(', ')}]`;
    case 'record':
      return members(
        type.fields.map(({ name, type: field }) => {
          const mayLack = field.kind === 'option' && !hasTag(field.some);
          return `${property(bindingName(name))}${mayLack ? '?' : ''}: ${inner(field)}`;
        }),
      );
    case 'variant':
      return type.cases
        .map(({ name, type: payload }) =>
          members([`tag: ${JSON.stringify(name)}`, ...(payload === null ? [] : [`val: ${inner(payload)}`])]),
        )
        .join(' | ');
    case 'enum':
      return type.cases.map((name) => JSON.stringify(name)).join(' | ');
    case 'flags':
      return members(type.names.map((name) => `${property(bindingName(name))}?: boolean`));
    case 'option':
      return hasTag(type.some)
        ? `${members(["tag: 'none'"])} | ${members(["tag: 'some'", `val: ${inner(type.some)}`])}`
        : `${inner(type.some)} | undefined`;
    case 'result':
      return `Result<${type.ok === null ? 'undefined' : inner(type.ok)}, ${type.err === null ? 'undefined' : inner(type.err)}>`;
    case 'unsupported':
      return 'never';
    default:
      return 'number';
  }
}

function listType(element: WitType, use: 'input' | 'output'): string {
  if (element.kind === 'u8') return 'Uint8Array';
  const array = NUMERIC_LISTS[element.kind];
  const items = typescriptType(element, use);
  if (array !== undefined) return use === 'output' ? array : `${array} | readonly ${items}[]`;
  return /[ |]/.test(items) ? `ReadonlyArray<${items}>` : `readonly ${items}[]`;
}

function members(each: readonly string[]): string {
  return each.length === 0 ? 'Record<string, never>' : `{ ${each.map((member) => `readonly ${member}`).join('; ')} }`;
}

/** A property's name, quoted where it is no identifier. */
function property(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : JSON.stringify(name);
}
