import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { readPreamble } from '../binary/preamble.ts';
import { readAlias, readReference } from './alias-reader.ts';
import { readCanonical } from './canonical-reader.ts';
import { checkCoreNames, readCoreModule } from './core-module-reader.ts';
import { declare, readDefinition, readExternDescription, readExternName } from './definition-reader.ts';
import { type ComponentType, type Extern, lookUp, named, Scope } from './type-space.ts';
import { hex, readFlag } from './value-type-reader.ts';

const SECTION_NAMES = [
  'custom',
  'core module',
  'core instance',
  'core type',
  'component',
  'instance',
  'alias',
  'type',
  'canon',
  'start',
  'import',
  'export',
];

/** Reads a component, after its preamble, and gives what it imports and exports with resolved types. Executes nothing. */
export function readComponent(reader: ByteReader, parent: Scope | null = null): ComponentType {
  const scope = new Scope(parent);
  while (!reader.done) {
    scope.budget.spend(1);
    const id = reader.u8('a section');
    const name = SECTION_NAMES[id];
    if (name === undefined) throw reader.malformed(`a known section, not ${hex(id)},`);
    const length = reader.u32(`the length of a ${name} section`);
    readSection(id, reader.part(length, `the ${length} bytes of a ${name} section`), scope);
  }
  return {
    kind: 'component',
    imports: scope.imports,
    exports: scope.exports,
    asynchronous: scope.features.asynchronous,
    handles: scope.features.handles,
  };
}

function readSection(id: number, section: ByteReader, scope: Scope): void {
  const each = (what: string, read: () => unknown): void => {
    const count = section.count(what);
    scope.budget.spend(count);
    for (let left = count; left > 0; left -= 1) read();
    section.finish(`a section of ${what}`);
  };
  switch (id) {
    case 0: // custom
    case 2: // core instances
    case 3: // core types
      return;
    case 1:
      if (readPreamble(section) !== 'core-module') throw section.malformed('a core module in a core module section');
      checkCoreNames(readCoreModule(section, scope.budget));
      return;
    case 4:
      if (readPreamble(section) !== 'component') throw section.malformed('a component in a component section');
      scope.components.push(readComponent(section, scope));
      return;
    case 5:
      each('instances', () => readInstance(section, scope));
      return;
    case 6:
      each('aliases', () => readAlias(section, scope));
      return;
    case 7:
      each('types', () => scope.types.push(readDefinition(section, scope)));
      return;
    case 8:
      each('canonical functions', () => readCanonical(section, scope));
      return;
    case 9:
      throw refused(
        'the component has a start function for values, which is not supported; build it with current tools',
      );
    case 10:
      each('imports', () => {
        const name = readExternName(section);
        const extern = readExternDescription(section, scope, name);
        declare(scope.imports, name, extern, section);
        scope.add(extern);
      });
      return;
    case 11:
      each('exports', () => readExport(section, scope));
  }
}

function readInstance(section: ByteReader, scope: Scope): void {
  const form = section.u8('an instance');
  if (form > 0x01) throw section.malformed(`an instance, not ${hex(form)},`);
  const component = form === 0x00 ? lookUp(section, scope.components, 'a component') : null;
  const given = new Map<string, Extern>();
  const count = section.count(component === null ? 'exports of an instance' : 'arguments of an instance');
  scope.budget.spend(count);
  for (let left = count; left > 0; left -= 1) {
    const name = component === null ? readExternName(section) : section.name('a name');
    const extern = readReference(section, scope);
    if (extern === null) throw section.malformed(`something of the component model as ${JSON.stringify(name)}`);
    if (component === null) declare(given, name, extern, section);
  }
  // Types that a component imports are written out where it uses them, so its exports do not depend on its arguments.
  scope.instances.push({ kind: 'instance', exports: component === null ? given : component.exports });
}

function readExport(section: ByteReader, scope: Scope): void {
  const name = readExternName(section);
  const actual = readReference(section, scope);
  if (actual === null) throw section.malformed(`something of the component model as ${JSON.stringify(name)}`);
  const described = readFlag(section, 'whether an export has a type of its own')
    ? readExternDescription(section, scope, name)
    : null;
  if (described !== null && described.sort !== actual.sort) {
    throw section.malformed(`a ${actual.sort} as the type of ${JSON.stringify(name)}, not a ${described.sort},`);
  }
  const extern = described ?? (actual.sort === 'type' ? { sort: actual.sort, type: named(actual.type, name) } : actual);
  declare(scope.exports, name, extern, section);
  scope.add(extern);
}
