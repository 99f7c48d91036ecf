import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { type Extern, lookUp, type Scope } from './type-space.ts';
import { hex } from './value-type-reader.ts';

/** What an index refers to. Core sorts are only stepped over: the inspector follows types, not code. */
export type Sort = Extern['sort'] | 'core';

const SORTS: ReadonlyMap<number, Sort> = new Map([
  [0x01, 'func'],
  [0x03, 'type'],
  [0x04, 'component'],
  [0x05, 'instance'],
]);
const CORE_MODULE = 0x11;

/** Reads a sort. */
export function readSort(reader: ByteReader): Sort {
  const byte = reader.u8('a sort');
  if (byte === 0x00) return reader.u8('a core sort') === CORE_MODULE ? 'module' : 'core';
  const sort = SORTS.get(byte);
  if (sort === undefined)
    throw refused(
      `the component uses values (sort ${hex(byte)}), which are not supported; build it with current tools`,
    );
  return sort;
}

/** Reads an index of a sort and resolves it; null for core sorts. */
export function readReference(reader: ByteReader, scope: Scope): Extern | null {
  const sort = readSort(reader);
  switch (sort) {
    case 'func':
      return { sort, type: lookUp(reader, scope.funcs, 'a function') };
    case 'type':
      return { sort, type: lookUp(reader, scope.types, 'a type') };
    case 'instance':
      return { sort, type: lookUp(reader, scope.instances, 'an instance') };
    case 'component':
      return { sort, type: lookUp(reader, scope.components, 'a component') };
    case 'module':
      reader.skipLeb('the index of a core module');
      return { sort };
    case 'core':
      reader.skipLeb('a core index');
      return null;
    default:
      return sort satisfies never;
  }
}

/** Reads an alias and gives what it names the next index of its sort. */
export function readAlias(reader: ByteReader, scope: Scope): void {
  const sort = readSort(reader);
  const target = reader.u8('the target of an alias');
  if (target === 0x01) {
    reader.skipLeb('the index of a core instance');
    reader.name('a core name');
    return;
  }
  const extern =
    target === 0x00 ? fromInstance(reader, scope) : target === 0x02 ? fromOutside(sort, reader, scope) : undefined;
  if (extern === undefined) throw reader.malformed(`the target of an alias, not ${hex(target)},`);
  if (extern === null) return;
  if (extern.sort !== sort) throw reader.malformed(`an alias of a ${sort}, not of a ${extern.sort},`);
  scope.add(extern);
}

function fromInstance(reader: ByteReader, scope: Scope): Extern {
  const instance = lookUp(reader, scope.instances, 'an instance');
  const name = reader.name('a name');
  const extern = instance.exports.get(name);
  if (extern === undefined)
    throw reader.malformed(`an alias of something that the instance exports, not of ${JSON.stringify(name)},`);
  return extern;
}

function fromOutside(sort: Sort, reader: ByteReader, scope: Scope): Extern | null {
  const count = reader.u32('how far out an alias reaches');
  let outer: Scope | null = scope;
  for (let step = 0; step < count && outer !== null; step += 1) outer = outer.parent;
  if (outer === null) throw reader.malformed(`an alias that stays inside the file, not ${count} components out,`);
  if (sort === 'type') return { sort, type: lookUp(reader, outer.types, 'a type outside') };
  if (sort === 'component') return { sort, type: lookUp(reader, outer.components, 'a component outside') };
  reader.skipLeb('the index of an alias');
  if (sort === 'core' || sort === 'module') return null;
  throw reader.malformed(`an alias of a type or component outside, not of a ${sort},`);
}
