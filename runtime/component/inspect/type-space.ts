/** The types of the component model as the inspector keeps them: value types resolved to WIT, everything else by shape. */
import type { WitType } from '../../../guest-sdk/protocol/index.ts';
import { type ByteReader, refused } from '../binary/byte-reader.ts';

/** A resolved value type, with what it would cost to write it out in full (shared parts counted each time). */
export interface ValueType {
  readonly kind: 'value';
  readonly type: WitType;
  readonly nodes: number;
  readonly depth: number;
}

/** A resource; its name is what it was last imported or exported as, for people. */
export interface ResourceType {
  readonly kind: 'resource';
  readonly name: string | null;
  /** One object for one resource, whatever names it goes by. */
  readonly identity: object;
}

/** A handle of a resource, where a type has one; as a value it is `unsupported`. */
export interface Handle {
  readonly mode: 'own' | 'borrow';
  readonly resource: ResourceType;
}

export interface FuncType {
  readonly kind: 'func';
  readonly params: readonly { readonly name: string; readonly value: ValueType }[];
  readonly result: ValueType | null;
  readonly async: boolean;
}

export interface InstanceType {
  readonly kind: 'instance';
  readonly exports: ReadonlyMap<string, Extern>;
}

export interface ComponentType {
  readonly kind: 'component';
  readonly imports: ReadonlyMap<string, Extern>;
  readonly exports: ReadonlyMap<string, Extern>;
  /** Whether anything in the whole file is asynchronous: a function, a built-in, an option. False for a type alone. */
  readonly asynchronous: boolean;
  /** What the `unsupported` types in the whole file are that stand for handles, by identity. Empty for a type alone. */
  readonly handles: ReadonlyMap<WitType, Handle>;
}

export type TypeDef = ValueType | ResourceType | FuncType | InstanceType | ComponentType;

/** Something with a name that a component imports or exports. */
export type Extern =
  | { readonly sort: 'func'; readonly type: FuncType }
  | { readonly sort: 'type'; readonly type: TypeDef }
  | { readonly sort: 'instance'; readonly type: InstanceType }
  | { readonly sort: 'component'; readonly type: ComponentType }
  | { readonly sort: 'module' };

/** Limits that no component made by the usual tools comes near, and that keep a hostile one cheap to inspect. */
export const LIMITS = {
  /** Sections, definitions with their fields, cases and parameters, imports, exports and aliases of a file and all that it nests. */
  definitions: 100_000,
  /** Imports, or exports, of one component or instance: what is looked up or compared by name. */
  members: 5000,
  /** Components and instance types inside one another. */
  nesting: 32,
  /** Types inside one another in one value. */
  typeDepth: 64,
  /** Types, fields and cases of one value type when it is written out in full. */
  typeNodes: 10_000,
  /** Bytes of one name. */
  nameBytes: 256,
} as const;

/** Counts definitions over a whole file: what each costs to read is small, so this bounds time and memory. */
export class Budget {
  #left = LIMITS.definitions;

  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) {
      throw refused(`expected at most ${LIMITS.definitions} definitions in a component, got more`);
    }
  }
}

/** What a file uses, noted while it is read. */
export interface Features {
  asynchronous: boolean;
  readonly handles: Map<WitType, Handle>;
}

/** The first of a list of names, as a sentence can hold them: a file may have thousands. */
export function someNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** The index spaces of one component, component type or instance type while it is being read. */
export class Scope {
  readonly parent: Scope | null;
  readonly depth: number;
  readonly budget: Budget;
  /** One for the whole file. */
  readonly features: Features;
  readonly types: TypeDef[] = [];
  readonly funcs: FuncType[] = [];
  readonly instances: InstanceType[] = [];
  readonly components: ComponentType[] = [];
  readonly imports = new Map<string, Extern>();
  readonly exports = new Map<string, Extern>();

  constructor(parent: Scope | null = null) {
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.budget = parent === null ? new Budget() : parent.budget;
    this.features = parent === null ? { asynchronous: false, handles: new Map() } : parent.features;
    if (this.depth > LIMITS.nesting) {
      throw refused(`expected at most ${LIMITS.nesting} components or types inside one another, got more`);
    }
  }

  /** Gives an extern the next index of its sort. */
  add(extern: Extern): void {
    switch (extern.sort) {
      case 'func':
        this.funcs.push(extern.type);
        return;
      case 'type':
        this.types.push(extern.type);
        return;
      case 'instance':
        this.instances.push(extern.type);
        return;
      case 'component':
        this.components.push(extern.type);
        return;
      case 'module':
        return;
      default:
        extern satisfies never;
    }
  }
}

/** Reads an index and looks it up. */
export function lookUp<T>(reader: ByteReader, space: readonly T[], what: string): T {
  const index = reader.u32(`the index of ${what}`);
  const found = space[index];
  if (found === undefined) throw reader.malformed(`the index of ${what} defined before, not ${index},`);
  return found;
}

/** The same resource under a name; every other type is itself. Names like `import-type-x` are the linker's, not the author's. */
export function named(type: TypeDef, name: string): TypeDef {
  if (type.kind !== 'resource') return type;
  return { ...type, name: name.replace(/^import-type-/, '') };
}
