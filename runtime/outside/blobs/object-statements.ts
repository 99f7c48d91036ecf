import type { StatementSync } from 'node:sqlite';
import type { Database } from '../database.ts';

/**
 * What an object or a container takes beside its name and its bytes, as a quota counts it: the smallest file takes a block of the disk
 * and an inode.
 */
export const OBJECT_BYTES = 4096;

/** How the table of objects came to its present schema. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE functions (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     bytes INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE containers (
     id INTEGER PRIMARY KEY,
     function INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
     name BLOB NOT NULL,
     created_at INTEGER NOT NULL,
     UNIQUE (function, name)
   ) STRICT;
   CREATE TABLE objects (
     container INTEGER NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
     name BLOB NOT NULL,
     digest TEXT NOT NULL,
     size INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     PRIMARY KEY (container, name)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX objects_by_digest ON objects (digest);`,
];

const SQL = {
  owner: 'SELECT id, bytes FROM functions WHERE name = ?',
  makeOwner: 'INSERT INTO functions (name) VALUES (?) RETURNING id, bytes',
  total: 'SELECT coalesce(sum(bytes), 0) AS bytes FROM functions',
  // The name of what is removed begins with a space, that of no function does.
  ownerNames: "SELECT name FROM functions WHERE name >= '!' ORDER BY name",
  retire: "UPDATE functions SET name = ' ' || id, bytes = 0 WHERE name = ?",
  retired: "SELECT id FROM functions WHERE name < '!' LIMIT 1",
  removeOwner: 'DELETE FROM functions WHERE id = ?',
  someContainer: 'SELECT id FROM containers WHERE function = ? LIMIT 1',
  account: 'UPDATE functions SET bytes = ? WHERE id = ?',
  container: 'SELECT id, created_at FROM containers WHERE function = ? AND name = ?',
  makeContainer: 'INSERT INTO containers (function, name, created_at) VALUES (?, ?, ?)',
  removeContainer: 'DELETE FROM containers WHERE id = ?',
  some: 'SELECT name, digest, size FROM objects WHERE container = ? ORDER BY name LIMIT ?',
  clearTo: 'DELETE FROM objects WHERE container = ? AND name <= ?',
  names: 'SELECT name FROM objects WHERE container = ? ORDER BY name LIMIT ?',
  namesAfter: 'SELECT name FROM objects WHERE container = ? AND name > ? ORDER BY name LIMIT ?',
  object: 'SELECT digest, size, created_at FROM objects WHERE container = ? AND name = ?',
  put: 'INSERT INTO objects (container, name, digest, size, created_at) VALUES (?, ?, ?, ?, ?)',
  drop: 'DELETE FROM objects WHERE container = ? AND name = ? RETURNING digest, size',
  digest: 'SELECT 1 FROM objects WHERE digest = ? LIMIT 1',
} as const;

/** What is run on the table of objects, ready to be run many times. */
export type ObjectStatements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/** Prepares all of it. */
export function objectStatements(database: Database): ObjectStatements {
  const statements = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]);
  return Object.fromEntries(statements) as ObjectStatements;
}
