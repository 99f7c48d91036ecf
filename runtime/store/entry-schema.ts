/**
 * The registry's step for store entries. `summary` is what lists show; `entry_texts` has a row for each entry by its `id`. The blobs of
 * a revision are its files, its icon and, of a web application, its unpacked pages.
 */
export const ENTRY_TABLES = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    current INTEGER NOT NULL,
    next INTEGER NOT NULL,
    publisher TEXT,
    provisioned INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX entries_by_kind ON entries (kind, name);
  CREATE INDEX entries_by_publisher ON entries (publisher);
  CREATE TABLE entry_revisions (
    entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    manifest TEXT NOT NULL,
    signature TEXT,
    publisher TEXT,
    added_at TEXT NOT NULL,
    PRIMARY KEY (entry, revision)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entry_blobs (
    entry INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (entry, revision, digest),
    FOREIGN KEY (entry, revision) REFERENCES entry_revisions (entry, revision) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_blobs_by_digest ON entry_blobs (digest, bytes);
  CREATE TABLE entry_pages (
    entry INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (entry, revision, path),
    FOREIGN KEY (entry, revision) REFERENCES entry_revisions (entry, revision) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entry_tags (
    entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (tag, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_tags_by_entry ON entry_tags (entry);
  CREATE TABLE entry_platforms (
    entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    os TEXT NOT NULL,
    least TEXT NOT NULL,
    PRIMARY KEY (entry, os, least)
  ) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE entry_texts USING fts5 (
    name, title, description, tags, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
  );
  CREATE TABLE publishers (
    fingerprint TEXT PRIMARY KEY NOT NULL,
    accepted_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`;
