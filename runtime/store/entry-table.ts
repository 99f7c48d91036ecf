import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { type EntryQuery, type FoundEntries, searchEntries } from './entry-search.ts';
import { transaction } from './transaction.ts';

/** What a revision of an entry is registered with. */
export interface NewEntry {
  readonly name: string;
  readonly kind: string;
  readonly digest: Digest;
  /** The manifest as text, which only who registers it interprets. */
  readonly manifest: string;
  readonly signature: string | null;
  /** Fingerprint of the key that signed. */
  readonly publisher: string | null;
  readonly blobs: ReadonlyMap<Digest, number>;
  readonly pages: ReadonlyMap<string, PageBlob>;
  readonly texts: { readonly title: string; readonly description: string };
  readonly tags: readonly string[];
  /** Systems that it is for, with the lowest version as text that sorts; none: any. */
  readonly platforms: readonly { readonly os: string; readonly least: string }[];
}

/** An unpacked file of a web application. */
export interface PageBlob {
  readonly digest: Digest;
  readonly bytes: number;
}

/** A revision as it was registered. */
export interface RegisteredEntry {
  readonly name: string;
  readonly revision: number;
  readonly digest: Digest;
  readonly manifest: string;
  readonly signature: string | null;
  readonly publisher: string | null;
  /** RFC 3339, UTC. */
  readonly addedAt: string;
}

/** Revisions of an entry that are kept: what is being downloaded while it is replaced is still there. */
const KEPT_REVISIONS = 3;

/** Store entries in the registry. Every change is one transaction. */
export class EntryTable {
  readonly #database: DatabaseSync;
  readonly #now: () => Date;
  readonly #inUse: StatementSync;
  readonly #page: StatementSync;

  constructor(database: DatabaseSync, now: () => Date) {
    this.#database = database;
    this.#now = now;
    this.#inUse = database.prepare('SELECT 1 FROM entry_blobs WHERE digest = ? LIMIT 1');
    this.#page = database.prepare(
      `SELECT p.digest, p.bytes FROM entry_pages p JOIN entries e ON e.id = p.entry AND e.current = p.revision
       WHERE e.name = ? AND p.path = ?`,
    );
  }

  /** Registers a revision and makes it the current one; gives its number, and blobs that may be in use no more. */
  put(entry: NewEntry): { readonly revision: number; readonly dropped: readonly Digest[] } {
    return transaction(this.#database, () => {
      const { name, kind, publisher } = entry;
      const { id, revision } = this.#one(
        `INSERT INTO entries (name, kind, current, next, publisher) VALUES (?1, ?2, 1, 2, ?3)
         ON CONFLICT (name) DO UPDATE SET kind = ?2, current = next, next = next + 1, publisher = ?3
         RETURNING id, current AS revision`,
        [name, kind, publisher],
      ) as { id: number; revision: number };
      const { digest, manifest, signature } = entry;
      this.#run('INSERT INTO entry_revisions VALUES (?, ?, ?, ?, ?, ?, ?)', [
        ...[id, revision, digest, manifest, signature, publisher],
        this.#now().toISOString(),
      ]);
      const pages = [...entry.pages];
      const blobs = new Map([...entry.blobs, ...pages.map(([, page]) => [page.digest, page.bytes] as const)]);
      for (const blob of blobs) this.#run('INSERT INTO entry_blobs VALUES (?, ?, ?, ?)', [id, revision, ...blob]);
      for (const [path, page] of pages)
        this.#run('INSERT INTO entry_pages VALUES (?, ?, ?, ?, ?)', [id, revision, path, page.digest, page.bytes]);
      this.#describe(id, entry);
      return { revision, dropped: this.#forgetOld(id, revision) };
    });
  }

  /** A revision (default: the current one), or undefined when there is none. */
  find(name: string, revision?: number): RegisteredEntry | undefined {
    const row = this.#database
      .prepare(
        `SELECT e.name, r.* FROM entries e JOIN entry_revisions r ON r.entry = e.id
         WHERE e.name = ?1 AND r.revision = coalesce(?2, e.current)`,
      )
      .get(name, revision ?? null);
    return row === undefined ? undefined : asEntry(row as unknown as RevisionRow);
  }

  /** Revisions that are kept, newest first. */
  revisions(name: string): RegisteredEntry[] {
    return this.#database
      .prepare(
        `SELECT e.name, r.* FROM entries e JOIN entry_revisions r ON r.entry = e.id
         WHERE e.name = ? ORDER BY r.revision DESC`,
      )
      .all(name)
      .map((row) => asEntry(row as unknown as RevisionRow));
  }

  /** A page of the entries that fit, by name. */
  search(query: EntryQuery): FoundEntries {
    return searchEntries(this.#database, query, (row) => asEntry(row as RevisionRow));
  }

  /** Removes an entry; gives blobs that may be in use no more. `store-unknown` when there is none. */
  remove(name: string): readonly Digest[] {
    return transaction(this.#database, () => {
      const row = this.#database.prepare('SELECT id FROM entries WHERE name = ?').get(name);
      if (row === undefined) throw unknownEntry(name);
      const id = row['id'] as number;
      const blobs = this.#blobs('entry = ?', [id]);
      this.#run('DELETE FROM entry_texts WHERE rowid = ?', [id]);
      this.#run('DELETE FROM entries WHERE id = ?', [id]);
      return blobs;
    });
  }

  /** Whether the current revision was provisioned here. */
  isProvisioned(name: string): boolean {
    const sql = 'SELECT 1 FROM entries WHERE name = ? AND provisioned = current';
    return this.#database.prepare(sql).get(name) !== undefined;
  }

  /** Remembers that a revision was provisioned. */
  setProvisioned(name: string, revision: number): void {
    this.#run('UPDATE entries SET provisioned = ? WHERE name = ?', [revision, name]);
  }

  /** An unpacked file of the current revision of a web application. */
  page(name: string, path: string): PageBlob | undefined {
    return this.#page.get(name, path) as PageBlob | undefined;
  }

  /** Bytes of all blobs of all entries, each counted once. */
  usedBytes(): number {
    const { bytes } = this.#one(
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM (SELECT DISTINCT digest, bytes FROM entry_blobs)',
      [],
    ) as { bytes: number };
    return bytes;
  }

  /** Whether any kept revision has this blob. */
  inUse(digest: Digest): boolean {
    return this.#inUse.get(digest) !== undefined;
  }

  /** Keys that the owner has accepted, with the number of entries that each signed. */
  publishers(): { readonly fingerprint: string; readonly acceptedAt: string; readonly entries: number }[] {
    return this.#database
      .prepare(
        `SELECT p.fingerprint, p.accepted_at AS acceptedAt, count(e.id) AS entries
         FROM publishers p LEFT JOIN entries e ON e.publisher = p.fingerprint
         GROUP BY p.fingerprint ORDER BY p.accepted_at, p.fingerprint`,
      )
      .all() as unknown as { fingerprint: string; acceptedAt: string; entries: number }[];
  }

  /** Whether the owner has accepted a key. */
  accepts(fingerprint: string): boolean {
    return this.#database.prepare('SELECT 1 FROM publishers WHERE fingerprint = ?').get(fingerprint) !== undefined;
  }

  /** Accepts a key from now on. */
  accept(fingerprint: string): void {
    this.#run('INSERT OR IGNORE INTO publishers VALUES (?, ?)', [fingerprint, this.#now().toISOString()]);
  }

  /** Accepts a key no more; false when it was not. */
  forget(fingerprint: string): boolean {
    return this.#run('DELETE FROM publishers WHERE fingerprint = ?', [fingerprint]) > 0;
  }

  #describe(id: number, { name, texts, tags, platforms }: NewEntry): void {
    this.#run('DELETE FROM entry_texts WHERE rowid = ?', [id]);
    this.#run('INSERT INTO entry_texts (rowid, name, title, description, tags) VALUES (?, ?, ?, ?, ?)', [
      ...[id, name, texts.title, texts.description],
      tags.join(' '),
    ]);
    for (const table of ['entry_tags', 'entry_platforms']) this.#run(`DELETE FROM ${table} WHERE entry = ?`, [id]);
    for (const tag of tags) this.#run('INSERT INTO entry_tags (entry, tag) VALUES (?, ?)', [id, tag]);
    for (const { os, least } of platforms)
      this.#run('INSERT OR IGNORE INTO entry_platforms VALUES (?, ?, ?)', [id, os, least]);
  }

  #forgetOld(id: number, current: number): readonly Digest[] {
    const old = 'entry = ? AND revision <= ?';
    const blobs = this.#blobs(old, [id, current - KEPT_REVISIONS]);
    this.#run(`DELETE FROM entry_revisions WHERE ${old}`, [id, current - KEPT_REVISIONS]);
    return blobs;
  }

  #blobs(where: string, values: readonly number[]): readonly Digest[] {
    const rows = this.#database.prepare(`SELECT DISTINCT digest FROM entry_blobs WHERE ${where}`).all(...values);
    return rows.map((row) => row['digest'] as Digest);
  }

  #one(sql: string, values: readonly (string | number | null)[]): unknown {
    return this.#database.prepare(sql).get(...values);
  }

  #run(sql: string, values: readonly (string | number | null)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes);
  }
}

/** That there is no entry of a name. */
export function unknownEntry(name: string): CloudletError {
  return new CloudletError(
    'store-unknown',
    `expected the name of a store entry, got ${JSON.stringify(name.slice(0, 64))}; see: npx cloudlet store ls`,
  );
}

interface RevisionRow {
  readonly name: string;
  readonly revision: number;
  readonly digest: string;
  readonly manifest: string;
  readonly signature: string | null;
  readonly publisher: string | null;
  readonly added_at: string;
}

function asEntry({ name, revision, digest, manifest, signature, publisher, added_at }: RevisionRow): RegisteredEntry {
  return { name, revision, digest: digest as Digest, manifest, signature, publisher, addedAt: added_at };
}
