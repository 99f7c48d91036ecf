import type { WitFunction, WitType } from '../../guest-sdk/protocol/index.ts';
import { ByteReader, refused } from './binary/byte-reader.ts';
import { readPreamble } from './binary/preamble.ts';
import { readComponent } from './inspect/component-reader.ts';
import { exportedFunctions } from './inspect/exported-functions.ts';
import type { ComponentType, Extern, FuncType } from './inspect/type-space.ts';

/** Whether a type has no parts. */
const isPrimitive = (type: WitType): boolean => Object.keys(type).length === 1;

/** A resource that a component imports; one object for one resource. */
export interface ImportedResource {
  /** The interface that has it, or null for one of the world itself. */
  readonly interface: string | null;
  readonly name: string;
}

/** A handle in a type: what an `unsupported` type stands for. */
export interface ResourceHandle {
  readonly mode: 'own' | 'borrow';
  readonly resource: ImportedResource;
}

/** An interface that a component imports, or with the name null what it imports by itself. */
export interface ImportedInterface {
  readonly name: string | null;
  /** Functions, among them `[method]bucket.get`, `[static]cas.new` and `[constructor]fields`. */
  readonly functions: readonly WitFunction[];
  /** Its types by their names in it, also those that it took from another interface. */
  readonly types: ReadonlyMap<string, WitType>;
  /** The same for resources. */
  readonly resources: ReadonlyMap<string, ImportedResource>;
}

/** The functions of a component with the names that its author gave to their types. */
export interface NamedTypes {
  readonly functions: readonly WitFunction[];
  readonly imports: readonly ImportedInterface[];
  /** WIT name of a type, by the identity of its object in `functions`; types without a name of their own are absent. */
  readonly names: ReadonlyMap<WitType, string>;
  /** Handles of imported resources, by the identity of their types. */
  readonly handles: ReadonlyMap<WitType, ResourceHandle>;
}

/**
 * Reads the functions that a component exports and imports and how their types are called, for tools that write source code.
 * Of several names for one type (`type point2 = point`) the first stands. Throws `component-refused` like `inspectComponent`.
 */
export function inspectTypes(bytes: Uint8Array): NamedTypes {
  const reader = new ByteReader(bytes);
  if (readPreamble(reader) !== 'component') throw refused('expected a component, got a core module');
  const component = readComponent(reader);
  const names = new Map<WitType, string>();
  const visit = (externs: ReadonlyMap<string, Extern>): void => {
    for (const [name, extern] of externs) {
      if (extern.sort === 'instance') visit(extern.type.exports);
      if (extern.sort !== 'type' || extern.type.kind !== 'value') continue;
      // `type id = u32` cannot be told from any other u32: primitives are one object for the whole file.
      if (isPrimitive(extern.type.type)) continue;
      // Names like `import-type-x` are the linker's.
      if (!names.has(extern.type.type)) names.set(extern.type.type, plainName(name));
    }
  };
  visit(component.imports);
  visit(component.exports);
  return { functions: exportedFunctions(component), names, ...imported(component) };
}

function imported(component: ComponentType): Pick<NamedTypes, 'imports' | 'handles'> {
  const known = new Map<object, ImportedResource>();
  const imports = [...component.imports].flatMap(([name, extern]) =>
    extern.sort === 'instance' ? [interfaceOf(name, extern.type.exports, known)] : [],
  );
  imports.push(interfaceOf(null, component.imports, known));
  const handles = new Map<WitType, ResourceHandle>();
  for (const [type, { mode, resource }] of component.handles) {
    const owner = known.get(resource.identity);
    if (owner !== undefined) handles.set(type, { mode, resource: owner });
  }
  return {
    imports: imports.filter((each) => each.functions.length + each.types.size + each.resources.size > 0),
    handles,
  };
}

/** `known` are the resources of interfaces before: an interface can only use those of one that is imported first. */
function interfaceOf(
  name: string | null,
  externs: ReadonlyMap<string, Extern>,
  known: Map<object, ImportedResource>,
): ImportedInterface {
  const functions: WitFunction[] = [];
  const types = new Map<string, WitType>();
  const resources = new Map<string, ImportedResource>();
  for (const [given, extern] of externs) {
    const own = plainName(given);
    if (extern.sort === 'func') functions.push(importedFunction(name, given, extern.type));
    if (extern.sort !== 'type') continue;
    if (extern.type.kind === 'value') types.set(own, extern.type.type);
    if (extern.type.kind !== 'resource') continue;
    const { identity } = extern.type;
    const resource = known.get(identity) ?? { interface: name, name: own };
    known.set(identity, resource);
    resources.set(own, resource);
  }
  return { name, functions, types, resources };
}

function importedFunction(owner: string | null, name: string, { params, result, async }: FuncType): WitFunction {
  return {
    ...{ name, interface: owner, function: name, async },
    params: params.map((param) => ({ name: param.name, type: param.value.type })),
    result: result?.type ?? null,
  };
}

function plainName(name: string): string {
  return name.replace(/^import-type-/, '');
}
