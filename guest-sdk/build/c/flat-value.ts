import type { WitType } from '../../protocol/index.ts';
import { type FlatType, flatten, payloadsOf } from '../bindings/flat-type.ts';
import { partsOf } from '../bindings/type-names.ts';
import { identifier } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';

/** A core value at hand: the C expression that names it, and its type. */
export interface FlatValue {
  readonly name: string;
  readonly type: FlatType;
}

/** C statements that store the value carried by `values` in `target`, which is zero before. */
export function liftFlat(type: WitType, target: string, values: readonly FlatValue[], types: TypeWriter): string[] {
  const [first, second] = values;
  if (first === undefined) return [];
  switch (type.kind) {
    case 'bool':
      return [`${target} = ${as('i32', first)} != 0;`];
    case 'f32':
      return [`${target} = ${as('f32', first)};`];
    case 'f64':
      return [`${target} = ${as('f64', first)};`];
    case 's64':
    case 'u64':
      return [`${target} = (${types.name(type)})${as('i64', first)};`];
    case 'string':
      return [`${target}.data = (char *)${address(first)};`, `${target}.length = ${size(second)};`];
    case 'list': {
      const element = types.name(type.element);
      return [`${target}.data = (${element} *)${address(first)};`, `${target}.length = ${size(second)};`];
    }
    case 'record':
      return liftMembers(
        type.fields.map((field) => [identifier(field.name), field.type]),
        target,
        values,
        types,
      );
    case 'tuple':
      return liftMembers(
        type.elements.map((element, at) => [`f${at}`, element]),
        target,
        values,
        types,
      );
    case 'unsupported':
      return [`${target}.handle = (uint32_t)${as('i32', first)};`];
    case 'variant':
    case 'option':
    case 'result':
      return liftVariant(type, target, first, values.slice(1), types);
    default:
      return [`${target} = (${types.name(type)})${as('i32', first)};`];
  }
}

function address(value: FlatValue): string {
  return `(uintptr_t)(uint32_t)${as('i32', value)}`;
}

function size(value: FlatValue | undefined): string {
  return value === undefined ? '0' : `(uint32_t)${as('i32', value)}`;
}

function liftMembers(
  members: readonly (readonly [string, WitType])[],
  target: string,
  values: readonly FlatValue[],
  types: TypeWriter,
): string[] {
  let at = 0;
  return members.flatMap(([name, type]) => {
    const own = values.slice(at, at + flatten(type).length);
    at += own.length;
    return liftFlat(type, `${target}.${name}`, own, types);
  });
}

function liftVariant(
  type: WitType,
  target: string,
  tag: FlatValue,
  payload: readonly FlatValue[],
  types: TypeWriter,
): string[] {
  const { tag: tagMember, cases } = membersOf(type);
  const lines = [`${target}.${tagMember} = ${as('i32', tag)};`];
  for (const [at, inner] of (payloadsOf(type) ?? []).entries()) {
    if (inner === null) continue;
    const body = liftFlat(inner, `${target}.${cases[at]}`, payload, types).map((line) => `  ${line}`);
    lines.push(`if (${as('i32', tag)} == ${at}) {`, ...body, '}');
  }
  return lines;
}

/** C statements that put the value of `source` into core variables, which are 0 before. */
export function lowerFlat(type: WitType, source: string, slots: readonly FlatValue[]): string[] {
  const [first, second] = slots;
  if (first === undefined) return [];
  switch (type.kind) {
    case 'string':
    case 'list':
      return [
        put(first, `(uintptr_t)${source}.data`),
        ...(second === undefined ? [] : [put(second, `${source}.length`)]),
      ];
    case 'record':
    case 'tuple': {
      let at = 0;
      return partsOf(type).flatMap(([, part], index) => {
        const own = slots.slice(at, at + flatten(part).length);
        at += own.length;
        const name = type.kind === 'record' ? identifier(type.fields[index]!.name) : `f${index}`;
        return lowerFlat(part, `${source}.${name}`, own);
      });
    }
    case 'variant':
    case 'option':
    case 'result': {
      const { tag, cases } = membersOf(type);
      const arms = (payloadsOf(type) ?? []).flatMap((inner, at) => {
        const body = inner === null ? [] : lowerFlat(inner, `${source}.${cases[at]}`, slots.slice(1));
        return body.length === 0 ? [] : [`if (${source}.${tag} == ${at}) {`, ...body.map((line) => `  ${line}`), '}'];
      });
      return [put(first, `${source}.${tag}`), ...arms];
    }
    case 'unsupported':
      return [put(first, `${source}.handle`)];
    case 'f32':
      return [first.type === 'f32' ? `${first.name} = ${source};` : put(first, `bits_of_f32(${source})`)];
    case 'f64':
      return [first.type === 'f64' ? `${first.name} = ${source};` : put(first, `bits_of_f64(${source})`)];
    default:
      return [put(first, source)];
  }
}

/** Where cases share core values, a narrow integer is carried on as its type has it, with its sign, since not every host cuts it off. */
function put(slot: FlatValue, integer: string): string {
  return `${slot.name} = (${slot.type === 'i64' ? 'int64_t' : 'int32_t'})${integer};`;
}

/** What the C struct calls a variant's tag and its payloads. */
function membersOf(type: WitType): { readonly tag: string; readonly cases: readonly string[] } {
  switch (type.kind) {
    case 'option':
      return { tag: 'is_some', cases: ['', 'value'] };
    case 'result':
      return { tag: 'is_err', cases: ['of.ok', 'of.err'] };
    case 'variant':
      return { tag: 'tag', cases: type.cases.map((c) => `of.${identifier(c.name)}`) };
    default:
      throw new TypeError(`${type.kind} is no variant`);
  }
}

/** A core value as another type: inside a variant its bits may travel in a wider integer. */
function as(wanted: FlatType, { name, type }: FlatValue): string {
  if (wanted === type) return name;
  if (wanted === 'i32') return `(int32_t)${name}`;
  if (wanted === 'f32') return `f32_of((uint32_t)${name})`;
  if (wanted === 'f64') return `f64_of((uint64_t)${name})`;
  return `(int64_t)${name}`;
}
