import type { DatabaseSync } from 'node:sqlite';
import { type Digest, parseDigest } from '../../guest-sdk/protocol/index.ts';
import { asStorageError } from './storage-error.ts';

/** What a service was ever made of, what that came to last, and by which key it was taken as signed; it goes with the service. */
export const SERVICE_PAST_TABLE = `CREATE TABLE service_past (
     name TEXT NOT NULL,
     digest TEXT NOT NULL,
     image TEXT NOT NULL,
     publisher TEXT,
     PRIMARY KEY (name, digest)
   ) STRICT, WITHOUT ROWID;`;

/** What a document came to when it was last what a service is. */
export interface PastService {
  /** Digest of the VM image. */
  readonly image: Digest;
  /** Fingerprint of the key that it was taken as signed by; null when nobody signed it. */
  readonly publisher: string | null;
}

/** Which overlays and recipes a service was before: two hundred bytes each, so that none comes back unnoticed. */
export class ServicePastTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** What a document came to; undefined when it was never what this service is. */
  find(name: string, digest: Digest): PastService | undefined {
    const row = this.#one('SELECT image, publisher FROM service_past WHERE name = ? AND digest = ?', name, digest);
    return row && { image: parseDigest(row.image), publisher: row.publisher };
  }

  /** The key that signed what came to an image under this name; null when nobody did, or it never had it. */
  publisherOf(name: string, image: Digest): string | null {
    const sql = 'SELECT image, publisher FROM service_past WHERE name = ? AND image = ? AND publisher IS NOT NULL';
    return this.#one(sql, name, image)?.publisher ?? null;
  }

  /** Remembers what a document came to; null: forgets that it did. */
  set(name: string, digest: Digest, past: PastService | null): void {
    try {
      if (past === null)
        this.#database.prepare('DELETE FROM service_past WHERE name = ? AND digest = ?').run(name, digest);
      else
        this.#database
          .prepare('INSERT OR REPLACE INTO service_past (name, digest, image, publisher) VALUES (?, ?, ?, ?)')
          .run(name, digest, past.image, past.publisher);
    } catch (error) {
      throw asStorageError(error);
    }
  }

  #one(sql: string, ...values: string[]): { readonly image: string; readonly publisher: string | null } | undefined {
    return this.#database.prepare(sql).get(...values) as { image: string; publisher: string | null } | undefined;
  }
}
