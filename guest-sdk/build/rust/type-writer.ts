import type { ImportedResource } from '../../../runtime/index.ts';
import { CloudletError, type WitType } from '../../protocol/index.ts';
import { discriminantBytes, flagBytes } from '../bindings/layout.ts';
import { SCALARS, UNSIGNED } from '../bindings/scalars.ts';
import { type KnownTypes, partsOf, TypeNames } from '../bindings/type-names.ts';
import { upperSnake } from '../bindings/word.ts';
import { caseName, identifier, typeName } from './identifier.ts';

const PLAIN: Readonly<Partial<Record<WitType['kind'], string>>> = { ...SCALARS, char: 'char', string: 'String' };

/** Most elements of a tuple that Rust's own traits know. */
const MAX_ELEMENTS = 12;

/** Names Rust types for WIT types, and collects the definitions of those that Rust does not have. */
export class TypeWriter {
  readonly #names: TypeNames;
  /** Rust types that are the failure of a result. */
  readonly #errors = new Set<string>();

  constructor(known: KnownTypes) {
    this.#names = new TypeNames('Rust', known, typeName);
  }

  get definitions(): string {
    const { definitions } = this.#names;
    const errors = [...this.#errors].filter((name) => definitions.has(name)).map(errorOf);
    return [...definitions.values(), ...errors].join('\n');
  }

  /** The Rust type that holds a value of a WIT type. */
  name(type: WitType): string {
    const scalar = PLAIN[type.kind];
    if (scalar !== undefined) return scalar;
    const payload = (part: WitType | null) => (part === null ? '()' : this.name(part));
    switch (type.kind) {
      case 'list':
        return `Vec<${this.name(type.element)}>`;
      case 'option':
        return `Option<${this.name(type.some)}>`;
      case 'result':
        if (type.err !== null) this.#errors.add(this.name(type.err));
        return `Result<${payload(type.ok)}, ${payload(type.err)}>`;
      case 'tuple':
        if (type.elements.length > MAX_ELEMENTS) {
          const limit = `expected tuples of at most ${MAX_ELEMENTS} elements, got ${type.elements.length}`;
          throw new CloudletError('unsupported-type', `${limit}; use a record`);
        }
        return `(${type.elements.map((element) => `${this.name(element)},`).join(' ')})`;
      case 'unsupported':
        return this.#names.resource(this.#names.handleOf(type).resource);
      default:
        return this.#names.defined(type, (name) => this.#define(type, name));
    }
  }

  /** The Rust type by which an import takes a value that stays its caller's: `&str`, `&[u8]`, `Option<&str>`, `&Bucket`. */
  argument(type: WitType, inList = false): string {
    const owned = this.name(type);
    if (this.#owns(type)) return owned;
    switch (type.kind) {
      case 'string':
        return '&str';
      case 'list':
        return `&[${this.argument(type.element, true)}]`;
      case 'option':
        return `Option<${this.argument(type.some, inList)}>`;
      case 'tuple':
        return `(${type.elements.map((element) => `${this.argument(element, inList)},`).join(' ')})`;
      case 'record':
      case 'variant':
        return inList ? owned : `&${owned}`;
      case 'unsupported':
        return `&${owned}`;
      default:
        return owned;
    }
  }

  /** The Rust type of an imported resource. */
  resource(resource: ImportedResource): string {
    return this.#names.resource(resource);
  }

  /** Whether a value has a handle of its own in it, so that it is given away and cannot be copied. */
  #owns(type: WitType): boolean {
    return this.#names.handle(type)?.mode === 'own' || partsOf(type).some(([, part]) => this.#owns(part));
  }

  #define(type: WitType, name: string): string {
    switch (type.kind) {
      case 'record': {
        const fields = type.fields.map((field) => `${identifier(field.name)}: ${this.name(field.type)}`);
        const body = fields.map((field) => `    pub ${field},\n`).join('');
        return `#[derive(${this.#derive(type)})]\npub struct ${name} {\n${body}}\nrecord!(${name} { ${fields.join(', ')} });\n`;
      }
      case 'variant':
        return this.#enumeration(name, this.#derive(type), type.cases);
      case 'enum':
        return this.#enumeration(
          name,
          'Clone, Copy, Debug, Eq, Hash, PartialEq',
          type.cases.map((each) => ({ name: each, type: null })),
        );
      case 'flags': {
        const bits = UNSIGNED[flagBytes(type.names.length)];
        const flags = type.names.map((each, at) => `${upperSnake(each)} = ${at}`).join(', ');
        const derive = 'Clone, Copy, Debug, Default, Eq, Hash, PartialEq';
        return `#[derive(${derive})]\npub struct ${name}(${bits});\nflags!(${name}: ${bits} { ${flags} });\n`;
      }
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }

  #derive(type: WitType): string {
    return this.#owns(type) ? 'Debug' : 'Clone, Debug, PartialEq';
  }

  #enumeration(
    name: string,
    derive: string,
    cases: readonly { readonly name: string; readonly type: WitType | null }[],
  ): string {
    const payload = (type: WitType | null, before: string) => (type === null ? '' : `(${before}${this.name(type)})`);
    const body = cases.map((c) => `    ${caseName(c.name)}${payload(c.type, '')},\n`).join('');
    const tag = UNSIGNED[discriminantBytes(cases.length)];
    const arms = cases.map((c, at) => `${at} => ${caseName(c.name)}${payload(c.type, 'value: ')}`).join(', ');
    return `#[derive(${derive})]\npub enum ${name} {\n${body}}\nvariant!([] ${name}: ${tag} { ${arms} });\n`;
  }
}

/** What lets `?` turn it into a `Box<dyn Error>`. */
function errorOf(name: string): string {
  return `impl std::fmt::Display for ${name} {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "{self:?}")
    }
}
impl std::error::Error for ${name} {}
`;
}
