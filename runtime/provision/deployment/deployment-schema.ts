/** How the database of deployments came to its present schema; steps are only ever added. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE deployments (
     id TEXT PRIMARY KEY NOT NULL,
     began INTEGER NOT NULL,
     ended INTEGER NOT NULL,
     state TEXT NOT NULL
   ) STRICT;
   CREATE INDEX deployments_by_time ON deployments (ended, began);
   CREATE TABLE events (
     deployment TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
     id INTEGER NOT NULL,
     event TEXT NOT NULL,
     data TEXT NOT NULL,
     PRIMARY KEY (deployment, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE chunks (
     digest TEXT PRIMARY KEY NOT NULL,
     blob TEXT NOT NULL,
     at INTEGER NOT NULL,
     bytes INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX chunks_by_blob ON chunks (blob);
   CREATE TABLE chunked (blob TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;`,
  // Files up to 4 MiB are cut more finely since: what is known of the chunks of any is found anew when it is asked for.
  'DELETE FROM chunks; DELETE FROM chunked;',
];
