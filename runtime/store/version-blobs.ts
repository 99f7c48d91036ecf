import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest, FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { HeldVersion } from './registered.ts';
import { asVersion, type VersionRow } from './registry-rows.ts';

/** Which blobs the versions of functions consist of: a component, or a package and its parts. */
export class VersionBlobs {
  readonly #database: DatabaseSync;
  readonly #digestRow: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#digestRow = database.prepare(
      'SELECT 1 FROM versions WHERE digest = ?1 UNION ALL SELECT 1 FROM version_blobs WHERE digest = ?1 LIMIT 1',
    );
  }

  /** A version with all its bytes that is this component or package, or has it in its package; undefined when there is none. */
  holder(digest: Digest): HeldVersion | undefined {
    const row = this.#database
      .prepare(
        `SELECT * FROM (
           SELECT * FROM versions WHERE digest = ?1 UNION ALL
           SELECT versions.* FROM versions JOIN version_blobs USING (name, version) WHERE version_blobs.digest = ?1
         ) WHERE (name, version) NOT IN (SELECT name, version FROM arriving) LIMIT 1`,
      )
      .get(digest) as unknown as (VersionRow & { readonly name: FunctionName }) | undefined;
    return row && { ...asVersion(row), blobs: this.of(row.name, row) };
  }

  /** The blobs of a version's package; of a version without one, its component. */
  of(name: FunctionName, { version, digest }: { readonly version: number; readonly digest: string }): Digest[] {
    const rows = this.#database
      .prepare('SELECT digest FROM version_blobs WHERE name = ? AND version = ?')
      .all(name, version) as unknown as { digest: Digest }[];
    return rows.length === 0 ? [digest as Digest] : rows.map((row) => row.digest);
  }

  /** The blobs that the current versions of all functions consist of, each once. */
  current(): Digest[] {
    const rows = this.#database
      .prepare(
        `SELECT versions.digest FROM versions JOIN functions USING (name) WHERE version = current AND package IS NULL
         UNION SELECT version_blobs.digest FROM version_blobs JOIN functions USING (name) WHERE version = current`,
      )
      .all() as unknown as { digest: Digest }[];
    return rows.map(({ digest }) => digest);
  }

  /** Whether any version of any function is this component or package, or has it as a part. */
  has(digest: Digest): boolean {
    return this.#digestRow.get(digest) !== undefined;
  }
}
