import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { asStorageError, migrate } from '../store/index.ts';

/** Pages of 4 KiB that are given back at once: some milliseconds. */
const SHRUNK_PAGES = 256;

/** How a database of the stores is opened. */
export interface DatabaseOptions {
  /** `NORMAL` keeps every commit over the end of the process, `FULL` also over a loss of power. */
  readonly synchronous: 'NORMAL' | 'FULL';
  /** What made the schema, step by step; steps are only ever added. */
  readonly migrations: readonly string[];
}

/** One SQLite file of the stores: changes are transactions, and a full disk is `storage-full`. */
export class Database {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #free: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#free = database.prepare('PRAGMA freelist_count');
  }

  /** Opens or makes the file and brings its schema up to date. */
  static open(path: string, { synchronous, migrations }: DatabaseOptions): Database {
    const database = new DatabaseSync(path);
    try {
      // Before the first table: what a removed function took goes back to the disk.
      database.exec('PRAGMA auto_vacuum = INCREMENTAL');
      database.exec('PRAGMA journal_mode = WAL');
      database.exec(`PRAGMA synchronous = ${synchronous}`);
      database.exec('PRAGMA foreign_keys = ON');
      migrate(database, migrations, 'store');
      return new Database(database);
    } catch (error) {
      database.close();
      throw asStorageError(error);
    }
  }

  /** A statement to be run many times. */
  prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }

  /** Does the work whole or not at all. */
  transaction<Result>(work: () => Result): Result {
    try {
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw asStorageError(error);
    }
  }

  /** Gives free pages of the file back to the disk, all at once. */
  shrink(): void {
    this.#database.exec('PRAGMA incremental_vacuum');
  }

  /** Gives some free pages of the file back to the disk; true when there are no more. */
  shrinkSome(): boolean {
    const { freelist_count: free } = this.#free.get() as { freelist_count: number };
    if (free > 0) this.#database.exec(`PRAGMA incremental_vacuum(${SHRUNK_PAGES})`);
    return free <= SHRUNK_PAGES;
  }

  /** Idempotent. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** A text as the databases keep it: as bytes, because a text of SQLite ends at a NUL for some of its functions. */
export function asBytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** The text of `asBytes`. */
export function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
