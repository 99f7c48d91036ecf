import type { ResourceHandle } from '../../runtime/index.ts';
import type { WitType } from '../protocol/index.ts';

/** What a generator of source code has to know of types: their author's names, and which of them are handles of imported resources. */
export interface KnownTypes {
  readonly names: ReadonlyMap<WitType, string>;
  readonly handles?: ReadonlyMap<WitType, ResourceHandle>;
}

/** Names for the types that a language has to be told of, each once: one type may come as several equal objects. */
export class TypeNames {
  readonly #known: KnownTypes;
  /** Turns a WIT name into that of a type. */
  readonly #typeName: (name: string) => string;
  readonly #labels = new Map<string, string>();
  readonly #resources = new Map<object, string>();
  readonly #taken = new Set<string>();

  constructor(known: KnownTypes, typeName: (name: string) => string) {
    this.#known = known;
    this.#typeName = typeName;
  }

  /** The handle that a type is, if it is one of an imported resource. */
  handle(type: WitType): ResourceHandle | null {
    return this.#known.handles?.get(type) ?? null;
  }

  /** The name of a type with parts, and whether it was given just now, so that it wants a definition. */
  of(type: WitType): { readonly name: string; readonly fresh: boolean } {
    const label = this.#label(type);
    // Two resources of one name make two types.
    const key = JSON.stringify([label, type], (_, part: WitType) => {
      const handle = typeof part === 'object' ? this.handle(part) : null;
      return handle === null ? part : `${handle.mode} ${this.resource(handle.resource)}`;
    });
    const known = this.#labels.get(key);
    if (known !== undefined) return { name: known, fresh: false };
    const name = this.#unlike(label);
    this.#labels.set(key, name);
    return { name, fresh: true };
  }

  resource(resource: ResourceHandle['resource']): string {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const name = this.#unlike(this.#typeName(resource.name));
    this.#resources.set(resource, name);
    return name;
  }

  /** Two interfaces may each have an `item`: the second is `Item2`. */
  #unlike(label: string): string {
    let name = label;
    for (let next = 2; this.#taken.has(name); next += 1) name = `${label}${next}`;
    this.#taken.add(name);
    return name;
  }

  #label(type: WitType): string {
    const given = this.#known.names.get(type);
    if (given !== undefined) return this.#typeName(given);
    switch (type.kind) {
      case 'record':
        return this.#typeName(`record-${type.fields.map((field) => field.name).join('-')}`);
      case 'variant':
        return this.#typeName(`variant-${type.cases.map((c) => c.name).join('-')}`);
      case 'enum':
        return this.#typeName(`enum-${type.cases.join('-')}`);
      case 'flags':
        return this.#typeName(`flags-${type.names.join('-')}`);
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }
}

/** Types that a type is made of, with the path of each from it: `.field`, `[]`. */
export function partsOf(type: WitType): readonly (readonly [path: string, part: WitType])[] {
  switch (type.kind) {
    case 'list':
      return [['[]', type.element]];
    case 'option':
      return [['.some', type.some]];
    case 'tuple':
      return type.elements.map((part, at) => [`.${at}`, part] as const);
    case 'record':
      return type.fields.map((field) => [`.${field.name}`, field.type] as const);
    case 'variant':
      return type.cases.flatMap((c) => (c.type === null ? [] : [[`.${c.name}`, c.type] as const]));
    case 'result':
      return (['ok', 'err'] as const).flatMap((side) => {
        const part = type[side];
        return part === null ? [] : [[`.${side}`, part] as const];
      });
    default:
      return [];
  }
}
