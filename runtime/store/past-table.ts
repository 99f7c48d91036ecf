import type { DatabaseSync } from 'node:sqlite';
import type { Digest, FunctionName } from '../../guest-sdk/protocol/index.ts';

/** What was ever a version of a name, also when that version is not kept any more; it goes with the function. */
export const PAST_TABLE = `CREATE TABLE past (
     name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE,
     digest TEXT NOT NULL,
     version INTEGER NOT NULL,
     PRIMARY KEY (name, digest)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO past SELECT name, digest, max(version) FROM versions GROUP BY name, digest;`;

/** Which components and packages were versions of a name before: a hundred bytes each, so that none comes back unnoticed. */
export class PastTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The latest version that this was; undefined when it was none. */
  versionOf(name: FunctionName, digest: Digest): number | undefined {
    const row = this.#database.prepare('SELECT version FROM past WHERE name = ? AND digest = ?').get(name, digest);
    return (row as { version: number } | undefined)?.version;
  }

  /** Remembers that this is a version. */
  add(name: FunctionName, digest: Digest, version: number): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO past (name, digest, version) VALUES (?, ?, ?)')
      .run(name, digest, version);
  }
}
