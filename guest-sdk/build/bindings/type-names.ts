import type { ResourceHandle } from '../../../runtime/index.ts';
import { CloudletError, type WitType } from '../../protocol/index.ts';

/** What a generator of source code has to know of types: their author's names, and which of them are handles of imported resources. */
export interface KnownTypes {
  readonly names: ReadonlyMap<WitType, string>;
  readonly handles?: ReadonlyMap<WitType, ResourceHandle>;
}

/** Names of the types that a language has to be told of, and their definitions, each once: one type may come as several equal objects. */
export class TypeNames {
  readonly #language: string;
  readonly #known: KnownTypes;
  /** Turns a WIT name into that of a type. */
  readonly #typeName: (name: string) => string;
  readonly #labels = new Map<string, string>();
  readonly #resources = new Map<object, string>();
  readonly #taken = new Set<string>();
  readonly #definitions = new Map<string, string>();

  /** `language` is its name for people. */
  constructor(language: string, known: KnownTypes, typeName: (name: string) => string) {
    this.#language = language;
    this.#known = known;
    this.#typeName = typeName;
  }

  /** Definitions by the names of types, each after what it is made of. */
  get definitions(): ReadonlyMap<string, string> {
    return this.#definitions;
  }

  /** The handle that a type is, if it is one of an imported resource. */
  handle(type: WitType): ResourceHandle | null {
    return this.#known.handles?.get(type) ?? null;
  }

  /**
   * The handle that an `unsupported` type is.
   * @throws CloudletError `unsupported-type` when it is none.
   */
  handleOf(type: WitType & { readonly kind: 'unsupported' }): ResourceHandle {
    const handle = this.handle(type);
    if (handle !== null) return handle;
    throw new CloudletError(
      'unsupported-type',
      `${this.#language} functions cannot take or give ${type.what}; use plain values`,
    );
  }

  /** The name of a type with parts; `write` gives its definition when it has none yet. */
  defined(type: WitType, write: (name: string) => string): string {
    const label = this.#typeName(this.#label(type));
    // Two resources of one name make two types.
    const key = JSON.stringify([label, type], (_, part: WitType) => {
      const handle = typeof part === 'object' ? this.handle(part) : null;
      return handle === null ? part : `${handle.mode} ${this.resource(handle.resource)}`;
    });
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const name = this.#unlike(label);
    this.#labels.set(key, name);
    this.define(name, write(name));
    return name;
  }

  resource(resource: ResourceHandle['resource']): string {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const name = this.#unlike(this.#typeName(resource.name));
    this.#resources.set(resource, name);
    return name;
  }

  /** Adds a definition. */
  define(name: string, text: string): void {
    this.#definitions.set(name, text);
  }

  /** Two interfaces may each have an `item`: the second is `Item2`. */
  #unlike(label: string): string {
    let name = label;
    for (let next = 2; this.#taken.has(name); next += 1) name = `${label}${next}`;
    this.#taken.add(name);
    return name;
  }

  /** Its author's name, or else one that says what it is, such as `list-u8`; as WIT writes names. */
  #label(type: WitType): string {
    const given = this.#known.names.get(type);
    switch (type.kind) {
      case 'record':
        return given ?? `record-${type.fields.map((field) => field.name).join('-')}`;
      case 'variant':
        return given ?? `variant-${type.cases.map((c) => c.name).join('-')}`;
      case 'enum':
        return given ?? `enum-${type.cases.join('-')}`;
      case 'flags':
        return given ?? `flags-${type.names.join('-')}`;
      case 'list':
        return `list-${this.#label(type.element)}`;
      case 'option':
        return `option-${this.#label(type.some)}`;
      case 'tuple':
        return ['tuple', ...type.elements.map((element) => this.#label(element))].join('-');
      case 'result':
        return `result-${[type.ok, type.err].map((part) => (part === null ? 'none' : this.#label(part))).join('-')}`;
      case 'unsupported':
        return this.handleOf(type).resource.name;
      default:
        return type.kind;
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
