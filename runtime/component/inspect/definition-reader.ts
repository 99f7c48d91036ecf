/** Reads the type definitions of a component: value types, functions, resources, instance types and component types. */
import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { readAlias } from './alias-reader.ts';
import {
  type ComponentType,
  type Extern,
  type FuncType,
  LIMITS,
  lookUp,
  named,
  Scope,
  type TypeDef,
} from './type-space.ts';
import {
  checkName,
  hex,
  readDefinedValueType,
  readFlag,
  readLabel,
  readMany,
  readValueType,
} from './value-type-reader.ts';

const NO_HANDLES: ComponentType['handles'] = new Map();

/** Reads one definition of a type section, or of the declarations inside an instance or component type. */
export function readDefinition(reader: ByteReader, scope: Scope): TypeDef {
  const opcode = reader.u8('a type definition');
  switch (opcode) {
    case 0x40:
      return readFunction(reader, scope, false);
    case 0x43:
      return readFunction(reader, scope, true);
    case 0x3f:
      reader.skipLeb('the representation of a resource');
      if (readFlag(reader, 'whether a resource has a destructor')) reader.skipLeb('the destructor of a resource');
      return { kind: 'resource', name: null, identity: {} };
    case 0x3e:
      throw refused(
        'the component has an asynchronous destructor, which the component model dropped; build it with current tools',
      );
    case 0x42: {
      const inner = new Scope(scope);
      readDeclarations(reader, inner);
      return { kind: 'instance', exports: inner.exports };
    }
    case 0x41: {
      const inner = new Scope(scope);
      readDeclarations(reader, inner);
      return {
        kind: 'component',
        imports: inner.imports,
        exports: inner.exports,
        asynchronous: false,
        handles: NO_HANDLES,
      };
    }
    default: {
      const value = readDefinedValueType(opcode, reader, scope);
      if (value === null) throw reader.malformed(`a known type definition, not ${hex(opcode)},`);
      return value;
    }
  }
}

/** Reads the description of an import, or the type that an export is given. */
export function readExternDescription(reader: ByteReader, scope: Scope, name: string): Extern {
  const sort = reader.u8('the sort of an import or export');
  switch (sort) {
    case 0x00:
      if (reader.u8('the sort of a core import or export') !== 0x11) throw reader.malformed('a core module type');
      reader.skipLeb('the index of a core module type');
      return { sort: 'module' };
    case 0x01: {
      const type = lookUp(reader, scope.types, 'a function type');
      if (type.kind !== 'func') throw reader.malformed(`a function type, not a ${type.kind} type,`);
      return { sort: 'func', type };
    }
    case 0x03:
      // "sub resource" makes a type of its own; "eq" gives a name to one that is known.
      if (readFlag(reader, 'the bound of a type'))
        return { sort: 'type', type: named({ kind: 'resource', name: null, identity: {} }, name) };
      return { sort: 'type', type: named(lookUp(reader, scope.types, 'a type'), name) };
    case 0x04: {
      const type = lookUp(reader, scope.types, 'a component type');
      if (type.kind !== 'component') throw reader.malformed(`a component type, not a ${type.kind} type,`);
      return { sort: 'component', type };
    }
    case 0x05: {
      const type = lookUp(reader, scope.types, 'an instance type');
      if (type.kind !== 'instance') throw reader.malformed(`an instance type, not a ${type.kind} type,`);
      return { sort: 'instance', type };
    }
    default:
      throw refused(
        `the component imports or exports a value (sort ${hex(sort)}), which is not supported; build it with current tools`,
      );
  }
}

/** `fn`, `[method]thing.fn` or `ns:pkg/iface@1.0.0`. Names by URL or by hash are for registries and are not known here. */
const EXTERN =
  /^(?:(?:\[[a-z]+\])?[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9-]*)?|[a-z][a-z0-9-]*(?::[a-z][a-z0-9-]*)+(?:\/[a-z][a-z0-9-]*)+(?:@[0-9A-Za-z.+-]+)?)$/;

/** Reads the name of an import or export. */
export function readExternName(reader: ByteReader): string {
  const form = reader.u8('the form of a name');
  if (form > 0x01) throw reader.malformed(`a plain name, not a name of form ${hex(form)},`);
  return checkName(reader.name('a name'), EXTERN);
}

/** Records an import or export under its name, once. */
export function declare(into: Map<string, Extern>, name: string, extern: Extern, reader: ByteReader): void {
  if (into.has(name)) throw reader.malformed(`each name once, not ${JSON.stringify(name)} again,`);
  if (into.size === LIMITS.members)
    throw refused(`expected at most ${LIMITS.members} imports or exports in one component or instance, got more`);
  into.set(name, extern);
}

function readFunction(reader: ByteReader, scope: Scope, async: boolean): FuncType {
  if (async) scope.features.asynchronous = true;
  const params = readMany(reader, scope.budget, 'parameters', () => ({
    name: readLabel(reader),
    value: readValueType(reader, scope),
  }));
  if (!readFlag(reader, 'whether a function has named results')) {
    return { kind: 'func', params, result: readValueType(reader, scope), async };
  }
  const named = reader.count('named results');
  if (named > 0)
    throw refused('the component uses named results, which the component model dropped; build it with current tools');
  return { kind: 'func', params, result: null, async };
}

function readDeclarations(reader: ByteReader, scope: Scope): void {
  for (let left = reader.count('declarations'); left > 0; left -= 1) {
    scope.budget.spend(1);
    const kind = reader.u8('a declaration');
    switch (kind) {
      case 0x00:
        throw refused('the component describes core modules in its types, which is not supported');
      case 0x01:
        scope.types.push(readDefinition(reader, scope));
        break;
      case 0x02:
        readAlias(reader, scope);
        break;
      case 0x03:
      case 0x04: {
        const name = readExternName(reader);
        const extern = readExternDescription(reader, scope, name);
        declare(kind === 0x03 ? scope.imports : scope.exports, name, extern, reader);
        scope.add(extern);
        break;
      }
      default:
        throw reader.malformed(`a declaration, not ${hex(kind)},`);
    }
  }
}
