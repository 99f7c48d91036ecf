import type { DatabaseSync } from 'node:sqlite';
import type { FunctionName } from '../../guest-sdk/protocol/index.ts';

/** A secret as it is kept. */
export interface SealedSecret {
  readonly key: string;
  readonly sealed: Uint8Array;
}

/** The sealed secrets of functions that there are; they go with them. */
export class SecretTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Keeps a sealed secret of a function that is there. */
  write(name: FunctionName, key: string, sealed: Uint8Array): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO secrets (name, key, sealed) VALUES (?, ?, ?)')
      .run(name, key, sealed);
  }

  /** Removes a secret; false when there was none. */
  remove(name: FunctionName, key: string): boolean {
    return this.#database.prepare('DELETE FROM secrets WHERE name = ? AND key = ?').run(name, key).changes > 0;
  }

  /** The sealed secrets of a function, by name. */
  list(name: FunctionName): SealedSecret[] {
    const rows = this.#database.prepare('SELECT key, sealed FROM secrets WHERE name = ? ORDER BY key').all(name);
    return rows as unknown as SealedSecret[];
  }
}
