import type { DatabaseSync } from 'node:sqlite';
import type { FunctionName } from '../../guest-sdk/protocol/index.ts';

/** Tags that pushers gave to versions of functions; numbers and `latest` are not among them. */
export class TagTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The version that a tag means; undefined when it means none. */
  find(name: FunctionName, tag: string): number | undefined {
    const row = this.#database.prepare('SELECT version FROM tags WHERE name = ? AND tag = ?').get(name, tag);
    return (row as { version: number } | undefined)?.version;
  }

  /** The tags of a function, sorted. */
  list(name: FunctionName): string[] {
    const rows = this.#database.prepare('SELECT tag FROM tags WHERE name = ? ORDER BY tag').all(name);
    return (rows as unknown as { tag: string }[]).map(({ tag }) => tag);
  }

  /** Makes a tag mean a version. */
  set(name: FunctionName, tag: string, version: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO tags (name, tag, version) VALUES (?, ?, ?)').run(name, tag, version);
  }

  /** Removes a tag; false when there was none. */
  remove(name: FunctionName, tag: string): boolean {
    return this.#database.prepare('DELETE FROM tags WHERE name = ? AND tag = ?').run(name, tag).changes > 0;
  }
}
