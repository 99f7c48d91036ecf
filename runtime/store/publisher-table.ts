import type { DatabaseSync } from 'node:sqlite';
import type { Digest, PinnedPublisher, VerifiedSignature } from '../../guest-sdk/protocol/index.ts';

/** Tables of who publishes what. */
export const PUBLISHER_TABLES = `
  -- Signatures of packages: which manifest, by which key. Those of packages that are gone go with them.
  CREATE TABLE signatures (
    digest TEXT PRIMARY KEY NOT NULL,
    subject TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    jws TEXT NOT NULL,
    manifest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX signatures_by_subject ON signatures (subject);
  -- The key that a name belongs to; the owner may say so before there is a function of the name.
  CREATE TABLE name_publishers (
    name TEXT PRIMARY KEY NOT NULL,
    fingerprint TEXT NOT NULL,
    since TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- Names that a pusher gave to versions, beside their numbers.
  CREATE TABLE tags (
    name TEXT NOT NULL,
    tag TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name, tag),
    FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;`;

/** Who vouched for a version otherwise than by a signature of its manifest: the publisher of a store entry that it came with. */
export const VOUCHER_TABLE = `
  CREATE TABLE vouchers (
    subject TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (subject, fingerprint)
  ) STRICT, WITHOUT ROWID;`;

/** Who signed which package, and whose a name is. */
export class PublisherTable {
  readonly #database: DatabaseSync;
  readonly #now: () => Date;

  constructor(database: DatabaseSync, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  /** The signatures of a package, in the order of their digests. */
  signatures(subject: Digest): VerifiedSignature[] {
    const rows = this.#database
      .prepare('SELECT * FROM signatures WHERE subject = ? ORDER BY digest')
      .all(subject) as unknown as VerifiedSignature[];
    return rows.map(({ digest, manifest, fingerprint, jws }) => ({ digest, manifest, subject, fingerprint, jws }));
  }

  /** Keeps checked signatures. */
  keep(signatures: readonly VerifiedSignature[]): void {
    const insert = this.#database.prepare(
      'INSERT OR IGNORE INTO signatures (digest, subject, fingerprint, jws, manifest) VALUES (?, ?, ?, ?, ?)',
    );
    for (const { digest, subject, fingerprint, jws, manifest } of signatures)
      insert.run(digest, subject, fingerprint, jws, manifest);
  }

  /** Fingerprints of the keys that signed a package, or whose store entry brought it, each once. */
  signers(subject: Digest): string[] {
    const rows = this.#database
      .prepare('SELECT fingerprint FROM vouchers WHERE subject = ?')
      .all(subject) as unknown as { readonly fingerprint: string }[];
    return [...new Set([...this.signatures(subject), ...rows].map(({ fingerprint }) => fingerprint))];
  }

  /** Keeps that a key signed the store entry that brought a component or package. */
  vouch(subject: Digest, fingerprint: string): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO vouchers (subject, fingerprint) VALUES (?, ?)')
      .run(subject, fingerprint);
  }

  /** Removes one signature; false when there was none. */
  remove(digest: Digest): boolean {
    return this.#database.prepare('DELETE FROM signatures WHERE digest = ?').run(digest).changes > 0;
  }

  /** Removes the signatures of, and what vouched for, packages that no version is any more. */
  sweep(): void {
    for (const table of ['signatures', 'vouchers'])
      this.#database.exec(`DELETE FROM ${table} WHERE subject NOT IN (SELECT digest FROM versions)`);
  }

  /** Whose a name is; undefined when it is nobody's. */
  pinned(name: string): string | undefined {
    const row = this.#database.prepare('SELECT fingerprint FROM name_publishers WHERE name = ?').get(name);
    return (row as { fingerprint: string } | undefined)?.fingerprint;
  }

  /** All names that are somebody's. */
  list(): PinnedPublisher[] {
    return this.#database
      .prepare('SELECT name, fingerprint, since FROM name_publishers ORDER BY name')
      .all() as unknown as PinnedPublisher[];
  }

  /** Makes a name a key's. */
  pin(name: string, fingerprint: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO name_publishers (name, fingerprint, since) VALUES (?, ?, ?)')
      .run(name, fingerprint, this.#now().toISOString());
  }

  /** Makes a name nobody's; false when it was. */
  forget(name: string): boolean {
    return this.#database.prepare('DELETE FROM name_publishers WHERE name = ?').run(name).changes > 0;
  }
}
