import type { StatementSync } from 'node:sqlite';
import { asBytes, asText, Database } from '../database.ts';
import { OutsideRefusal } from '../outside-service.ts';

/** What an entry takes beside its names and its value, as a quota counts it: rows and indexes are not free. */
export const ENTRY_BYTES = 64;

/** Most keys in a page, and most bytes of them: a page is one answer. */
const PAGE_KEYS = 1000;
const PAGE_BYTES = 32 * 1024;

/** Entries that are removed in one transaction, and bytes of their values: some milliseconds. */
const SLICE = 200;
const SLICE_BYTES = 1024 * 1024;

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE functions (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     bytes INTEGER NOT NULL DEFAULT 0,
     changes INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE entries (
     id INTEGER PRIMARY KEY,
     function INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
     bucket BLOB NOT NULL,
     key BLOB NOT NULL,
     version INTEGER NOT NULL,
     value BLOB NOT NULL,
     UNIQUE (function, bucket, key)
   ) STRICT;
   CREATE INDEX entries_in_order ON entries (function, bucket, id);`,
];

/** A bucket of a function. It is there as long as it has a key. */
export interface BucketPlace {
  readonly functionName: string;
  readonly bucket: string;
}

interface FunctionRow {
  readonly id: number;
  readonly bytes: number;
  readonly changes: number;
}

/** Keys and values of all functions, in one SQLite file. Every method is one transaction and does not wait. */
export class KeyValueStore {
  readonly #database: Database;
  readonly #function: StatementSync;
  readonly #makeFunction: StatementSync;
  readonly #account: StatementSync;
  readonly #entry: StatementSync;
  readonly #size: StatementSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #page: StatementSync;
  readonly #retire: StatementSync;
  readonly #retired: StatementSync;
  readonly #some: StatementSync;
  readonly #dropId: StatementSync;
  readonly #removeFunction: StatementSync;
  readonly #names: StatementSync;
  readonly #total: StatementSync;

  private constructor(database: Database) {
    const where = 'WHERE function = (SELECT id FROM functions WHERE name = ?) AND bucket = ?';
    this.#database = database;
    this.#function = database.prepare('SELECT id, bytes, changes FROM functions WHERE name = ?');
    this.#makeFunction = database.prepare('INSERT INTO functions (name) VALUES (?) RETURNING id, bytes, changes');
    this.#account = database.prepare('UPDATE functions SET bytes = ?, changes = ? WHERE id = ?');
    this.#entry = database.prepare(`SELECT version, value FROM entries ${where} AND key = ?`);
    this.#size = database.prepare(
      'SELECT length(value) AS size FROM entries WHERE function = ? AND bucket = ? AND key = ?',
    );
    this.#put = database.prepare(
      `INSERT INTO entries (function, bucket, key, version, value) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (function, bucket, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
    );
    this.#drop = database.prepare('DELETE FROM entries WHERE function = ? AND bucket = ? AND key = ?');
    this.#page = database.prepare(`SELECT id, key FROM entries ${where} AND id > ? ORDER BY id LIMIT ${PAGE_KEYS + 1}`);
    // The name of what is removed begins with a space, that of no function does.
    this.#retire = database.prepare("UPDATE functions SET name = ' ' || id, bytes = 0 WHERE name = ?");
    this.#retired = database.prepare("SELECT id FROM functions WHERE name < '!' LIMIT 1");
    this.#some = database.prepare(`SELECT id, length(value) AS size FROM entries WHERE function = ? LIMIT ${SLICE}`);
    this.#dropId = database.prepare('DELETE FROM entries WHERE id = ?');
    this.#removeFunction = database.prepare('DELETE FROM functions WHERE id = ?');
    this.#names = database.prepare("SELECT name FROM functions WHERE name >= '!' ORDER BY name");
    this.#total = database.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM functions');
  }

  /** Opens or makes the file. */
  static open(path: string): KeyValueStore {
    // A function's writes are as safe as those of most key-value stores: whole, in order, and kept when the process is killed. A loss of
    // power may take the latest ones back, which saves a flush of the disk for each.
    return new KeyValueStore(Database.open(path, { synchronous: 'NORMAL', migrations: MIGRATIONS }));
  }

  /** The value of a key, and its version: another one after each change; 0 when the key is not there. */
  look(place: BucketPlace, key: string): { readonly version: number; readonly value: Uint8Array | undefined } {
    const row = this.#entry.get(place.functionName, asBytes(place.bucket), asBytes(key)) as
      | { version: number; value: Uint8Array }
      | undefined;
    return row ?? { version: 0, value: undefined };
  }

  /** Writes entries, all or none. `other` when the quota does not hold them. */
  set(place: BucketPlace, entries: readonly (readonly [key: string, value: Uint8Array])[], quotaBytes: number): void {
    this.#change(place, quotaBytes, (change) => {
      for (const [key, value] of entries) change.put(key, value);
    });
  }

  /** Deletes the keys that are there. */
  delete(place: BucketPlace, keys: readonly string[]): void {
    if (this.#function.get(place.functionName) === undefined) return;
    this.#change(place, Number.MAX_SAFE_INTEGER, (change) => {
      for (const key of keys) change.drop(key);
    });
  }

  /** Keys after a cursor, oldest first, and the cursor of the next page. */
  keys(place: BucketPlace, cursor: number | null): { readonly keys: string[]; readonly cursor: number | null } {
    const rows = this.#page.iterate(place.functionName, asBytes(place.bucket), cursor ?? 0) as unknown as Iterable<{
      id: number;
      key: Uint8Array;
    }>;
    const keys: string[] = [];
    let bytes = 0;
    let last = 0;
    for (const { id, key } of rows) {
      bytes += key.length;
      if (keys.length === PAGE_KEYS || (bytes > PAGE_BYTES && keys.length > 0)) return { keys, cursor: last };
      keys.push(asText(key));
      last = id;
    }
    return { keys, cursor: null };
  }

  /** Adds to the decimal number under a key. `other` when there is something else, or the sum has more than 64 bits. */
  increment(place: BucketPlace, key: string, delta: bigint, quotaBytes: number): bigint {
    return this.#change(place, quotaBytes, (change) => {
      const { value } = this.look(place, key);
      const sum = (value === undefined ? 0n : parseCounter(key, value)) + delta;
      if (BigInt.asIntN(64, sum) !== sum)
        throw new OutsideRefusal('other', `expected a sum of 64 bits under "${key}", got ${sum}`);
      change.put(key, asBytes(String(sum)));
      return sum;
    });
  }

  /** Writes when the key has this version; gives the present version when it has another. */
  swap(
    place: BucketPlace,
    { key, version, value }: { readonly key: string; readonly version: number; readonly value: Uint8Array },
    quotaBytes: number,
  ): number | undefined {
    return this.#change(place, quotaBytes, (change) => {
      const present = this.look(place, key).version;
      if (present !== version) return present;
      change.put(key, value);
      return undefined;
    });
  }

  /** Bytes that count for a function's quota. */
  usage(functionName: string): number {
    return (this.#function.get(functionName) as FunctionRow | undefined)?.bytes ?? 0;
  }

  /** Bytes that count for the quotas of all functions. */
  totalUsage(): number {
    return (this.#total.get() as { bytes: number }).bytes;
  }

  /** Functions that have something here, by name. */
  functionNames(): string[] {
    return (this.#names.all() as { name: string }[]).map(({ name }) => name);
  }

  /** Takes all that a function has from under its name. */
  retire(functionName: string): void {
    this.#database.transaction(() => this.#retire.run(functionName));
  }

  /** Removes some of what was retired, or gives back some of the file; true when there is nothing more. */
  removeSome(): boolean {
    const owner = this.#retired.get() as { id: number } | undefined;
    if (owner === undefined) return this.#database.shrinkSome();
    this.#database.transaction(() => {
      const some = this.#some.all(owner.id) as { id: number; size: number }[];
      let bytes = 0;
      for (const { id, size } of some) {
        if (bytes > SLICE_BYTES) return;
        bytes += size;
        this.#dropId.run(id);
      }
      if (some.length < SLICE) this.#removeFunction.run(owner.id);
    });
    return false;
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }

  #change<Result>(place: BucketPlace, quotaBytes: number, work: (change: Change) => Result): Result {
    return this.#database.transaction(() => {
      const row = (this.#function.get(place.functionName) ??
        this.#makeFunction.get(place.functionName)) as unknown as FunctionRow;
      const bucket = asBytes(place.bucket);
      let { bytes, changes } = row;
      const sizeOf = (key: Uint8Array): number | undefined =>
        (this.#size.get(row.id, bucket, key) as { size: number } | undefined)?.size;
      const entryBytes = (key: Uint8Array, size: number): number => ENTRY_BYTES + bucket.length + key.length + size;
      const result = work({
        put: (text, value) => {
          const key = asBytes(text);
          const before = sizeOf(key);
          bytes += entryBytes(key, value.length) - (before === undefined ? 0 : entryBytes(key, before));
          changes += 1;
          this.#put.run(row.id, bucket, key, changes, value);
        },
        drop: (text) => {
          const key = asBytes(text);
          const before = sizeOf(key);
          if (before === undefined) return;
          bytes -= entryBytes(key, before);
          this.#drop.run(row.id, bucket, key);
        },
      });
      // What makes a store smaller is let through when the quota became smaller than what is there.
      if (bytes > row.bytes && bytes > quotaBytes) throw quotaExceeded(quotaBytes, bytes);
      this.#account.run(bytes, changes, row.id);
      return result;
    });
  }
}

/** What a transaction may do to a bucket. */
interface Change {
  put(key: string, value: Uint8Array): void;
  drop(key: string): void;
}

function quotaExceeded(quotaBytes: number, bytes: number): OutsideRefusal {
  return new OutsideRefusal(
    'other',
    `quota exceeded: the key-value store of the function may have ${quotaBytes} bytes, with this it would have ${bytes}; delete keys, or ask for more`,
  );
}

function parseCounter(key: string, value: Uint8Array): bigint {
  const text = value.length <= 20 ? asText(value) : '';
  const number = /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
  if (number !== undefined && BigInt.asIntN(64, number) === number) return number;
  throw new OutsideRefusal(
    'other',
    `expected a decimal number of 64 bits under "${key}", found ${value.length} other bytes`,
  );
}
