import { type Digest, parseDigest } from '../../../guest-sdk/protocol/index.ts';
import type { ObjectPlace } from '../../wasi/index.ts';
import { asBytes, asText, Database } from '../database.ts';
import { OutsideRefusal } from '../outside-service.ts';
import { MIGRATIONS, OBJECT_BYTES, type ObjectStatements, objectStatements } from './object-statements.ts';

/** Most bytes of names in a page: a page is one answer. */
const PAGE_BYTES = 32 * 1024;

/** Objects that are removed in one transaction. */
export const SLICE = 200;

/** An object as the table has it. */
export interface StoredObject {
  readonly digest: Digest;
  readonly size: number;
  /** Seconds since 1970. */
  readonly createdAtS: number;
}

interface Row {
  readonly id: number;
  readonly bytes: number;
}

interface ContainerRow {
  readonly id: number;
  readonly created_at: number;
}

interface ObjectRow {
  readonly digest: string;
  readonly size: number;
  readonly created_at: number;
}

/**
 * Which functions have which containers, and which blobs are the objects in them, in one SQLite file. Every method is one transaction and
 * does not wait. Methods that remove objects give the digests that went, of which others may still be in use.
 */
export class ObjectTable {
  readonly #database: Database;
  readonly #nowS: () => number;
  readonly #statements: ObjectStatements;

  private constructor(database: Database, nowS: () => number) {
    this.#database = database;
    this.#nowS = nowS;
    this.#statements = objectStatements(database);
  }

  /** Opens or makes the file. */
  static open(path: string, nowS: () => number): ObjectTable {
    // A change must be on the disk before the file of a blob is removed: else a loss of power could bring back a row without its blob.
    return new ObjectTable(Database.open(path, { synchronous: 'FULL', migrations: MIGRATIONS }), nowS);
  }

  /** Makes an empty container. `exists` when there is one of this name. */
  createContainer(functionName: string, name: string, quotaBytes: number): void {
    this.#change(functionName, quotaBytes, (owner) => {
      if (this.#statements.container.get(owner, asBytes(name)) !== undefined)
        throw new OutsideRefusal('exists', `expected a name without a container, got "${name}", which has one`);
      this.#statements.makeContainer.run(owner, asBytes(name), this.#nowS());
      return { result: undefined, grown: OBJECT_BYTES + Buffer.byteLength(name) };
    });
  }

  /** When a container was made, seconds since 1970; undefined when there is none. */
  container(functionName: string, name: string): number | undefined {
    return this.#container(functionName, name)?.created_at;
  }

  /**
   * Removes the first `SLICE` objects of a container, and with the last of them the container too when it is not `kept`. A container can have hundreds
   * of thousands, and nobody else is served meanwhile: whoever wants them all away asks until it is over.
   */
  clear(functionName: string, name: string, kept: boolean): { readonly gone: Digest[]; readonly isOver: boolean } {
    return this.#change(functionName, Number.MAX_SAFE_INTEGER, () => {
      const { id } = this.#required(functionName, name);
      const { some, clearTo, removeContainer } = this.#statements;
      const rows = some.all(id, SLICE) as { name: Uint8Array; digest: string; size: number }[];
      const last = rows.at(-1);
      if (last !== undefined) clearTo.run(id, last.name);
      const isOver = rows.length < SLICE;
      if (isOver && !kept) removeContainer.run(id);
      const bytes = rows.reduce((sum, each) => sum + OBJECT_BYTES + each.name.length + each.size, 0);
      const gone = [...new Set(rows.map(({ digest }) => digest))].map(parseDigest);
      return {
        result: { gone, isOver },
        grown: -bytes - (isOver && !kept ? OBJECT_BYTES + Buffer.byteLength(name) : 0),
      };
    });
  }

  /** Names of objects after one, in the order of their bytes. */
  names(
    functionName: string,
    container: string,
    after: string | null,
    most: number,
  ): { readonly names: string[]; readonly atEnd: boolean } {
    const { id } = this.#required(functionName, container);
    // Every name is longer than no bytes; an object with an empty name would come before all others.
    const { names: rows, namesAfter } = this.#statements;
    const found = (after === null ? rows.all(id, most + 1) : namesAfter.all(id, asBytes(after), most + 1)) as {
      name: Uint8Array;
    }[];
    const names: string[] = [];
    let bytes = 0;
    for (const { name } of found) {
      bytes += name.length;
      if (names.length === most || (bytes > PAGE_BYTES && names.length > 0)) return { names, atEnd: false };
      names.push(asText(name));
    }
    return { names, atEnd: true };
  }

  /** An object; undefined when there is none. `no-container` when there is no such container. */
  object(functionName: string, place: ObjectPlace): StoredObject | undefined {
    const { id } = this.#required(functionName, place.container);
    const row = this.#statements.object.get(id, asBytes(place.object)) as ObjectRow | undefined;
    return row && { digest: parseDigest(row.digest), size: row.size, createdAtS: row.created_at };
  }

  /** Makes a blob that is on the disk an object, in place of one that is there. Gives the digest of that one. */
  put(functionName: string, place: ObjectPlace, blob: { digest: Digest; size: number }, quotaBytes: number): Digest[] {
    return this.#change(functionName, quotaBytes, () => {
      const { id } = this.#required(functionName, place.container);
      const [gone, shrunk] = this.#drop(id, place.object);
      this.#statements.put.run(id, asBytes(place.object), blob.digest, blob.size, this.#nowS());
      return { result: gone, grown: objectBytes(place.object, blob.size) - shrunk };
    });
  }

  /** Makes the blob of an object another object too, or instead. */
  copy(
    functionName: string,
    { source, destination, move }: { source: ObjectPlace; destination: ObjectPlace; move: boolean },
    quotaBytes: number,
  ): Digest[] {
    return this.#change(functionName, quotaBytes, () => {
      const from = this.#required(functionName, source.container);
      const to = this.#required(functionName, destination.container);
      const found = this.object(functionName, source);
      if (found === undefined) throw noObject(source);
      const same = from.id === to.id && source.object === destination.object;
      if (same) return { result: [], grown: 0 };
      const [gone, shrunk] = this.#drop(to.id, destination.object);
      this.#statements.put.run(to.id, asBytes(destination.object), found.digest, found.size, this.#nowS());
      const moved = move ? this.#drop(from.id, source.object)[1] : 0;
      return { result: gone, grown: objectBytes(destination.object, found.size) - shrunk - moved };
    });
  }

  /** Removes the objects that are there. */
  deleteObjects(functionName: string, container: string, names: readonly string[]): Digest[] {
    return this.#change(functionName, Number.MAX_SAFE_INTEGER, () => {
      const { id } = this.#required(functionName, container);
      const gone: Digest[] = [];
      let shrunk = 0;
      for (const name of names) {
        const [digests, bytes] = this.#drop(id, name);
        gone.push(...digests);
        shrunk += bytes;
      }
      return { result: gone, grown: -shrunk };
    });
  }

  /** Bytes that count for a function's quota. */
  usage(functionName: string): number {
    return (this.#statements.owner.get(functionName) as Row | undefined)?.bytes ?? 0;
  }

  /** Bytes that count for the quotas of all functions. */
  totalUsage(): number {
    return (this.#statements.total.get() as { bytes: number }).bytes;
  }

  /** Whether any object of any function is this blob. */
  inUse(digest: Digest): boolean {
    return this.#statements.digest.get(digest) !== undefined;
  }

  /** Functions that have something here, by name. */
  functionNames(): string[] {
    return (this.#statements.ownerNames.all() as { name: string }[]).map(({ name }) => name);
  }

  /** Takes all that a function has from under its name. */
  retire(functionName: string): void {
    this.#database.transaction(() => this.#statements.retire.run(functionName));
  }

  /** Removes at most `SLICE` objects and containers of what was retired; when there are none, gives back some of the file. */
  removeSome(): { readonly gone: Digest[]; readonly isOver: boolean } {
    const { retired, someContainer, some, clearTo, removeContainer, removeOwner } = this.#statements;
    const owner = retired.get() as { id: number } | undefined;
    if (owner === undefined) return { gone: [], isOver: this.#database.shrinkSome() };
    const gone = new Set<string>();
    this.#database.transaction(() => {
      for (let left = SLICE; left > 0; left -= 1) {
        const container = someContainer.get(owner.id) as { id: number } | undefined;
        if (container === undefined) return void removeOwner.run(owner.id);
        const rows = some.all(container.id, left) as { name: Uint8Array; digest: string }[];
        for (const { digest } of rows) gone.add(digest);
        if (rows.length > 0) clearTo.run(container.id, rows.at(-1)!.name);
        if (rows.length < left) removeContainer.run(container.id);
        left -= rows.length;
      }
    });
    return { gone: [...gone].map(parseDigest), isOver: false };
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }

  #container(functionName: string, name: string): ContainerRow | undefined {
    const owner = this.#statements.owner.get(functionName) as Row | undefined;
    if (owner === undefined) return undefined;
    return this.#statements.container.get(owner.id, asBytes(name)) as ContainerRow | undefined;
  }

  #required(functionName: string, name: string): ContainerRow {
    const found = this.#container(functionName, name);
    if (found !== undefined) return found;
    throw new OutsideRefusal(
      'no-container',
      `expected a container of the function, found no "${name}"; create it first`,
    );
  }

  /** Removes an object; gives its digest, when there was one, and what it counted. */
  #drop(container: number, name: string): [Digest[], number] {
    const row = this.#statements.drop.get(container, asBytes(name)) as { digest: string; size: number } | undefined;
    return row === undefined ? [[], 0] : [[parseDigest(row.digest)], objectBytes(name, row.size)];
  }

  #change<Result>(
    functionName: string,
    quotaBytes: number,
    work: (owner: number) => { readonly result: Result; readonly grown: number },
  ): Result {
    return this.#database.transaction(() => {
      const { owner, makeOwner, account } = this.#statements;
      const row = (owner.get(functionName) ?? makeOwner.get(functionName)) as unknown as Row;
      const { result, grown } = work(row.id);
      const bytes = row.bytes + grown;
      if (grown > 0 && bytes > quotaBytes) throw quotaExceeded(quotaBytes, bytes);
      account.run(bytes, row.id);
      return result;
    });
  }
}

/** The refusal for an object that is not there. */
export function noObject({ container, object }: ObjectPlace): OutsideRefusal {
  return new OutsideRefusal('no-object', `expected an object of container "${container}", found no "${object}"`);
}

/** The refusal for what a quota does not hold. */
export function quotaExceeded(quotaBytes: number, bytes: number): OutsideRefusal {
  return new OutsideRefusal(
    'quota',
    `quota exceeded: the blob store of the function may have ${quotaBytes} bytes, with this it would have ${bytes}; delete objects, or ask for more`,
  );
}

function objectBytes(name: string, size: number): number {
  return OBJECT_BYTES + Buffer.byteLength(name) + size;
}
