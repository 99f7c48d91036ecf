import type { DatabaseSync } from 'node:sqlite';
import type { FunctionName } from '../../guest-sdk/protocol/index.ts';

/** Versions that are called while bytes of them are still on their way, and what was current before each. */
export const ARRIVING_TABLE = `
  CREATE TABLE arriving (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    before INTEGER,
    PRIMARY KEY (name, version),
    FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;`;

/** What became of a function whose version was taken back. */
export type Withdrawn = 'nothing' | 'version' | 'function';

/** Which versions have not all their bytes yet. */
export class ArrivingTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Bytes of a version are on their way; `before` was current until now. In a transaction of the caller's. */
  begin(name: FunctionName, version: number, before: number | null): void {
    this.#database.prepare('INSERT INTO arriving (name, version, before) VALUES (?, ?, ?)').run(name, version, before);
  }

  /** All its bytes are here. */
  settle(name: FunctionName, version: number): void {
    this.#database.prepare('DELETE FROM arriving WHERE name = ? AND version = ?').run(name, version);
  }

  /** Whether bytes of it are still on their way. */
  has(name: FunctionName, version: number): boolean {
    return this.#row(name, version) !== undefined;
  }

  /** The versions of a function of which bytes are still on their way. */
  of(name: FunctionName): ReadonlySet<number> {
    const rows = this.#database.prepare('SELECT version FROM arriving WHERE name = ?').all(name);
    return new Set((rows as unknown as { readonly version: number }[]).map(({ version }) => version));
  }

  /** All of them: when nothing is on its way any more, what was left halfway. */
  list(): { readonly name: FunctionName; readonly version: number }[] {
    return this.#database.prepare('SELECT name, version FROM arriving').all() as unknown as {
      name: FunctionName;
      version: number;
    }[];
  }

  /**
   * Takes a version back: if it is current, the one before it is again, or the newest that is whole; without any the function goes. In a
   * transaction of the caller's.
   */
  withdraw(name: FunctionName, version: number): Withdrawn {
    const row = this.#row(name, version);
    if (row === undefined) return 'nothing';
    const others = this.#database
      .prepare(
        `SELECT version FROM versions WHERE name = ?1 AND version <> ?2
           AND version NOT IN (SELECT version FROM arriving WHERE name = ?1) ORDER BY version = ?3 DESC, version DESC`,
      )
      .all(name, version, row.before) as unknown as { readonly version: number }[];
    if (others.length === 0 && this.#isCurrent(name, version)) {
      this.#database.prepare('DELETE FROM functions WHERE name = ?').run(name);
      return 'function';
    }
    if (this.#isCurrent(name, version))
      this.#database.prepare('UPDATE functions SET current = ? WHERE name = ?').run(others[0]!.version, name);
    // Shares without it would not make a whole.
    this.#database
      .prepare('DELETE FROM splits WHERE name = ?1 AND ?2 IN (SELECT version FROM splits WHERE name = ?1)')
      .run(name, version);
    this.#database.prepare('DELETE FROM versions WHERE name = ? AND version = ?').run(name, version);
    this.#database.prepare('DELETE FROM past WHERE name = ? AND version = ?').run(name, version);
    return 'version';
  }

  #isCurrent(name: FunctionName, version: number): boolean {
    const row = this.#database.prepare('SELECT current FROM functions WHERE name = ?').get(name);
    return (row as { current: number } | undefined)?.current === version;
  }

  #row(name: FunctionName, version: number): { readonly before: number | null } | undefined {
    return this.#database.prepare('SELECT before FROM arriving WHERE name = ? AND version = ?').get(name, version) as
      | { before: number | null }
      | undefined;
  }
}
