import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { CloudletError, type Digest, type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import { ArrivingTable, type Withdrawn } from './arriving-table.ts';
import { EntryTable } from './entry-table.ts';
import { PastTable } from './past-table.ts';
import { PublisherTable } from './publisher-table.ts';
import {
  type NewVersion,
  pickVersion,
  type RegisteredFunction,
  type RegisteredVersion,
  rollbackTarget,
} from './registered.ts';
import { asVersion, type FunctionRow, type VersionRow } from './registry-rows.ts';
import { migrate } from './registry-schema.ts';
import { SecretTable } from './secret-table.ts';
import { ServiceTable } from './service-table.ts';
import { asStorageError } from './storage-error.ts';
import { TagTable } from './tag-table.ts';
import { TrafficTable } from './traffic-table.ts';
import { transaction } from './transaction.ts';
import { VersionBlobs } from './version-blobs.ts';

/**
 * Names of functions, their versions and which is current. Every change is one transaction, on the disk when the method
 * returns.
 */
export class Registry {
  readonly entries: EntryTable;
  readonly services: ServiceTable;
  readonly secrets: SecretTable;
  readonly publishers: PublisherTable;
  readonly past: PastTable;
  readonly tags: TagTable;
  readonly traffic: TrafficTable;
  readonly versionBlobs: VersionBlobs;
  readonly arriving: ArrivingTable;
  readonly #database: DatabaseSync;
  readonly #now: () => Date;
  readonly #functionRow: StatementSync;
  readonly #versionRows: StatementSync;
  readonly #versionRow: StatementSync;
  /** Current versions that were asked for since the last change: every invocation asks. Nobody else writes to the file while it is open. */
  readonly #current = new Map<FunctionName, RegisteredVersion>();
  /** Others that were asked for since, as `name@version`: where calls are shared out, every invocation asks for one. */
  readonly #asked = new Map<string, RegisteredVersion>();

  private constructor(database: DatabaseSync, now: () => Date) {
    this.#database = database;
    this.#now = now;
    this.entries = new EntryTable(database, now);
    this.services = new ServiceTable(database, now);
    this.secrets = new SecretTable(database);
    this.publishers = new PublisherTable(database, now);
    this.past = new PastTable(database);
    this.tags = new TagTable(database);
    this.traffic = new TrafficTable(database);
    this.versionBlobs = new VersionBlobs(database);
    this.arriving = new ArrivingTable(database);
    this.#functionRow = database.prepare('SELECT name, current, next FROM functions WHERE name = ?');
    this.#versionRows = database.prepare('SELECT * FROM versions WHERE name = ? ORDER BY version');
    this.#versionRow = database.prepare('SELECT * FROM versions WHERE name = ? AND version = ?');
  }

  /** Opens or makes the registry file at `path` and brings its schema up to date. */
  static open(path: string, { now = () => new Date() }: { now?: () => Date } = {}): Registry {
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA journal_mode = WAL');
      // After kill -9 both FULL and NORMAL keep every commit, since the page cache outlives the process. After a power loss NORMAL
      // may forget the latest ones; a publish that was answered with 201 must not be forgotten, and one costs a single fsync.
      database.exec('PRAGMA synchronous = FULL');
      database.exec('PRAGMA foreign_keys = ON');
      migrate(database);
      return new Registry(database, now);
    } catch (error) {
      database.close();
      throw asStorageError(error);
    }
  }

  /**
   * Writes a new version and makes it current; when the current version already has this digest no version is written and
   * `created` is false. Signatures, the name's key and the tag are written in both cases, but of a version on trial only when it is promoted.
   */
  publish(name: FunctionName, made: NewVersion): { readonly version: number; readonly created: boolean } {
    const { digest, sizeBytes, description, package: packed, onTrial = false } = made;
    return this.#transaction(() => {
      const row = this.#functionRow.get(name) as unknown as FunctionRow | undefined;
      if (row !== undefined && this.version(name).digest === digest) {
        this.#mark(name, row.current, made);
        if (made.arrives !== true) this.arriving.settle(name, row.current);
        return { version: row.current, created: false };
      }
      const version = row?.next ?? 1;
      this.#run(
        `INSERT INTO functions (name, current, next) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET current = excluded.current, next = excluded.next`,
        name,
        onTrial && row !== undefined ? row.current : version,
        version + 1,
      );
      this.#run(
        'INSERT INTO versions (name, version, digest, size_bytes, published_at, description, package) VALUES (?, ?, ?, ?, ?, ?, ?)',
        name,
        version,
        digest,
        sizeBytes,
        this.#now().toISOString(),
        description,
        packed?.text ?? null,
      );
      for (const blob of packed?.blobs ?? []) {
        this.#run('INSERT INTO version_blobs (name, version, digest) VALUES (?, ?, ?)', name, version, blob);
      }
      if (made.arrives === true) this.arriving.begin(name, version, row?.current ?? null);
      if (!onTrial) this.#add(name, version, made);
      return { version, created: true };
    });
  }

  /** Ends the trial of a version: it is current, unless a later one is, and what it was published with holds. `version-unknown` when it is gone. */
  promote(name: FunctionName, version: number, made: NewVersion): void {
    this.#transaction(() => {
      pickVersion(name, this.get(name).versions, version);
      this.#run('UPDATE functions SET current = ?1 WHERE name = ?2 AND current < ?1', version, name);
      this.#add(name, version, made);
    });
  }

  /** Takes back a version whose bytes did not all come; a function that has no other goes. */
  withdraw(name: FunctionName, version: number): Withdrawn {
    return this.#transaction(() => {
      const withdrawn = this.arriving.withdraw(name, version);
      if (withdrawn === 'function') this.publishers.forget(name);
      if (withdrawn !== 'nothing') this.publishers.sweep();
      return withdrawn;
    });
  }

  /** All functions, by name. */
  list(): RegisteredFunction[] {
    const rows = this.#database
      .prepare('SELECT name, current, next FROM functions ORDER BY name')
      .all() as unknown as FunctionRow[];
    return rows.map((row) => this.#assemble(row));
  }

  /** One function, or undefined when there is none. */
  find(name: FunctionName): RegisteredFunction | undefined {
    const row = this.#functionRow.get(name) as unknown as FunctionRow | undefined;
    return row && this.#assemble(row);
  }

  /** One function; `function-unknown` when there is none. */
  get(name: FunctionName): RegisteredFunction {
    const found = this.find(name);
    if (found !== undefined) return found;
    throw new CloudletError(
      'function-unknown',
      `expected the name of a published function, got "${name}"; publish it first`,
    );
  }

  /** One version (default: the current one); `function-unknown` or `version-unknown` when there is none. */
  version(name: FunctionName, version?: number): RegisteredVersion {
    const known = version === undefined ? this.#current.get(name) : this.#asked.get(`${name}@${version}`);
    if (known !== undefined) return known;
    // Only its own row: every call asks for one, and a function may have had a great many versions.
    const current = (this.#functionRow.get(name) as unknown as FunctionRow | undefined)?.current;
    const row = current === undefined ? undefined : this.#versionRow.get(name, version ?? current);
    if (row !== undefined) {
      const found = asVersion(row as unknown as VersionRow);
      if (version === undefined) this.#current.set(name, found);
      else this.#asked.set(`${name}@${version}`, found);
      return found;
    }
    const { versions, current: newest } = this.get(name);
    return pickVersion(name, versions, version ?? newest);
  }

  /** A version when there is one. Also after the registry was closed: then there is none. */
  findVersion(name: FunctionName, version: number): RegisteredVersion | undefined {
    const current = this.#current.get(name);
    if (current?.version === version) return current;
    if (!this.#database.isOpen) return undefined;
    const row = this.#versionRow.get(name, version) as unknown as VersionRow | undefined;
    return row && asVersion(row);
  }

  /**
   * Makes another version current: the given one, or the newest that is older than the current one; all calls go there, also where they
   * were shared out. Only the pointer moves; versions keep their numbers, and the next publish still takes the next unused one.
   */
  rollback(name: FunctionName, version?: number): RegisteredFunction {
    return this.#transaction(() => {
      const target = rollbackTarget(this.get(name), version);
      this.#run('UPDATE functions SET current = ? WHERE name = ?', target.version, name);
      this.traffic.shareWithin(name, null);
      return this.get(name);
    });
  }

  /** Replaces what is known about a version's component, when a newer Cloudlet describes more. */
  describe(name: FunctionName, version: number, description: string): void {
    this.#transaction(() =>
      this.#run('UPDATE versions SET description = ? WHERE name = ? AND version = ?', description, name, version),
    );
  }

  /**
   * Removes a function with all its versions, and its key's hold on the name; `function-unknown` when there is none. A later publish of
   * the name starts at version 1.
   */
  remove(name: FunctionName): void {
    this.#transaction(() => {
      this.get(name);
      this.#run('DELETE FROM functions WHERE name = ?', name);
      this.publishers.forget(name);
      this.publishers.sweep();
    });
  }

  /** Removes a version that no call goes to, with its tags; `conflict` when some do. */
  removeVersion(name: FunctionName, version: number): void {
    this.#transaction(() => {
      if (this.version(name, version).version === this.get(name).current)
        throw new CloudletError('conflict', `version ${version} of "${name}" is what calls go to; roll back first`);
      if (this.traffic.split(name)?.versions.some((each) => each.version === version))
        throw new CloudletError(
          'conflict',
          `version ${version} of "${name}" has a share of the calls; end the split first`,
        );
      this.#run('DELETE FROM versions WHERE name = ? AND version = ?', name, version);
      this.publishers.sweep();
    });
  }

  /** How many functions there are. */
  count(): number {
    const { functions } = this.#database.prepare('SELECT count(*) AS functions FROM functions').get() as {
      functions: number;
    };
    return functions;
  }

  /** Whether any version of any function is this component, or has it as a part of its package, or a store entry has it. */
  inUse(digest: Digest): boolean {
    return this.versionBlobs.has(digest) || this.entries.inUse(digest);
  }

  /** Closes the file. Idempotent. */
  close(): void {
    this.#current.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #transaction<T>(work: () => T): T {
    try {
      return transaction(this.#database, work);
    } finally {
      // Afterwards: the work itself may have asked.
      this.#current.clear();
      this.#asked.clear();
      this.traffic.changed();
    }
  }

  #add(name: FunctionName, version: number, made: NewVersion): void {
    this.past.add(name, made.digest, version);
    this.#mark(name, version, made);
  }

  /** What is kept of a publish beside the version. */
  #mark(name: FunctionName, version: number, { digest, signatures = [], vouchedBy, pin, tag }: NewVersion): void {
    this.publishers.keep(signatures);
    if (vouchedBy !== undefined) this.publishers.vouch(digest, vouchedBy);
    if (pin !== undefined) this.publishers.pin(name, pin);
    if (tag !== undefined) this.tags.set(name, tag, version);
  }

  /** Gives the number of rows that changed. */
  #run(sql: string, ...values: (string | number | null | Uint8Array)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes);
  }

  #assemble(row: FunctionRow): RegisteredFunction {
    const name = parseName(row.name);
    return { name, current: row.current, versions: this.#assembleVersions(name) };
  }

  #assembleVersions(name: FunctionName): RegisteredVersion[] {
    return (this.#versionRows.all(name) as unknown as VersionRow[]).map(asVersion);
  }
}
