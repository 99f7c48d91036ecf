import type { DatabaseSync } from 'node:sqlite';
import { type Digest, parseDigest } from '../../guest-sdk/protocol/index.ts';
import { asStorageError } from './storage-error.ts';

/** What a service was ever made of, and what that came to last; it goes with the service. */
export const SERVICE_PAST_TABLE = `CREATE TABLE service_past (
     name TEXT NOT NULL,
     digest TEXT NOT NULL,
     image TEXT NOT NULL,
     PRIMARY KEY (name, digest)
   ) STRICT, WITHOUT ROWID;`;

/** Which overlays and recipes a service was before: two hundred bytes each, so that none comes back unnoticed. */
export class ServicePastTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The VM image that a document came to when it was last what this service is; undefined when it never was. */
  imageOf(name: string, digest: Digest): Digest | undefined {
    const sql = 'SELECT image FROM service_past WHERE name = ? AND digest = ?';
    const row = this.#database.prepare(sql).get(name, digest) as { readonly image: string } | undefined;
    return row === undefined ? undefined : parseDigest(row.image);
  }

  /** Remembers that a document came to this image; null: forgets that it did. */
  set(name: string, digest: Digest, image: Digest | null): void {
    try {
      if (image === null)
        this.#database.prepare('DELETE FROM service_past WHERE name = ? AND digest = ?').run(name, digest);
      else
        this.#database
          .prepare('INSERT OR REPLACE INTO service_past (name, digest, image) VALUES (?, ?, ?)')
          .run(name, digest, image);
    } catch (error) {
      throw asStorageError(error);
    }
  }
}
