import type { DatabaseSync } from 'node:sqlite';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { ARRIVING_TABLE } from './arriving-table.ts';
import { ENTRY_TABLES } from './entry-schema.ts';
import { PAST_TABLE } from './past-table.ts';
import { PUBLISHER_TABLES, VOUCHER_TABLE } from './publisher-table.ts';
import { SERVICE_PAST_TABLE } from './service-past-table.ts';

/**
 * How the registry came to its present schema; the number of steps done is SQLite's `user_version`. Steps are only ever
 * added.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE functions (
     name TEXT PRIMARY KEY NOT NULL,
     current INTEGER NOT NULL,
     next INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE versions (
     name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE,
     version INTEGER NOT NULL,
     digest TEXT NOT NULL,
     size_bytes INTEGER NOT NULL,
     published_at TEXT NOT NULL,
     description TEXT NOT NULL,
     PRIMARY KEY (name, version)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX versions_by_digest ON versions (digest);`,
  // What a version that came as a package is made of, as text of its publisher's; blobs that a version has beside its digest's.
  `ALTER TABLE versions ADD COLUMN package TEXT;
   CREATE TABLE version_blobs (
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     digest TEXT NOT NULL,
     PRIMARY KEY (name, version, digest),
     FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX version_blobs_by_digest ON version_blobs (digest);
   CREATE TABLE secrets (
     name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE,
     key TEXT NOT NULL,
     sealed BLOB NOT NULL,
     PRIMARY KEY (name, key)
   ) STRICT, WITHOUT ROWID;`,
  ENTRY_TABLES,
  // Native servers by name; their images are files of their own.
  `CREATE TABLE services (
     name TEXT PRIMARY KEY NOT NULL,
     image TEXT NOT NULL,
     spec TEXT NOT NULL,
     changed_at TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX services_by_image ON services (image);`,
  PUBLISHER_TABLES,
  // How calls are shared out among versions, and how many versions are kept.
  `ALTER TABLE functions ADD COLUMN sticky TEXT;
   ALTER TABLE functions ADD COLUMN retain INTEGER;
   CREATE TABLE splits (
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     percent INTEGER NOT NULL,
     position INTEGER NOT NULL,
     PRIMARY KEY (name, version),
     FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;`,
  VOUCHER_TABLE,
  PAST_TABLE,
  ARRIVING_TABLE,
  // Whose a service is; null for what came before, and for what nobody signed.
  'ALTER TABLE services ADD COLUMN publisher TEXT;',
  SERVICE_PAST_TABLE,
];

/** Brings the schema up to date, with all steps that are missing or none: one write to the disk. Refuses one that a newer Cloudlet wrote. */
export function migrate(
  database: DatabaseSync,
  migrations: readonly string[] = MIGRATIONS,
  what: 'registry' | 'store' = 'registry',
): void {
  const { user_version: done } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (done > migrations.length) {
    throw new CloudletError(
      'conflict',
      `expected a ${what} of schema ${migrations.length} or older, found ${done}: a newer Cloudlet wrote it; run that one, or use --data with another directory`,
    );
  }
  if (done === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(done)) database.exec(step);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
