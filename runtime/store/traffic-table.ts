import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FunctionName, TrafficSplit } from '../../guest-sdk/protocol/index.ts';
import { transaction } from './transaction.ts';

/** How many versions a function has (none: there is no such function), and how many are to be kept; null when nobody said. */
export interface VersionCounts {
  readonly versions: number;
  readonly retain: number | null;
}

/** How calls of functions are shared out among their versions, how many of these there are and how many are kept. */
export class TrafficTable {
  readonly #shares: StatementSync;
  readonly #settings: StatementSync;
  readonly #counts: StatementSync;
  readonly #database: DatabaseSync;
  /** Every invocation asks; nobody else writes to the file while it is open. */
  readonly #known = new Map<FunctionName, TrafficSplit | null>();
  /** Versions that there are and that are to be kept: asked whenever nothing runs in a version any more. */
  readonly #counted = new Map<FunctionName, VersionCounts>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#shares = database.prepare('SELECT version, percent FROM splits WHERE name = ? ORDER BY position');
    this.#counts = database.prepare('SELECT count(*) AS versions FROM versions WHERE name = ?');
    this.#settings = database.prepare('SELECT sticky, retain FROM functions WHERE name = ?');
  }

  /** The split of a function; null when all calls go to its current version. */
  split(name: FunctionName): TrafficSplit | null {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const versions = this.#shares.all(name) as unknown as { version: number; percent: number }[];
    const { sticky } = this.#setting(name);
    const shares = versions.map(({ version, percent }) => ({ version, percent }));
    const split = shares.length === 0 ? null : { versions: shares, ...(sticky === null ? {} : { sticky }) };
    this.#known.set(name, split);
    return split;
  }

  /** How many versions of a function there are, and how many are kept. */
  counts(name: FunctionName): VersionCounts {
    const known = this.#counted.get(name);
    if (known !== undefined) return known;
    const { versions } = this.#counts.get(name) as { versions: number };
    const counts = { versions, retain: this.#setting(name).retain };
    this.#counted.set(name, counts);
    return counts;
  }

  /** Shares calls out among versions that there are, or among none. */
  share(name: FunctionName, split: TrafficSplit | null): void {
    this.#written(() => this.shareWithin(name, split));
  }

  /** Says how many versions are kept; null: nobody says. */
  retainVersions(name: FunctionName, versions: number | null): void {
    this.#written(() => this.#database.prepare('UPDATE functions SET retain = ? WHERE name = ?').run(versions, name));
  }

  /** As `share`, in a transaction of the caller's, who then says `changed`. */
  shareWithin(name: FunctionName, split: TrafficSplit | null): void {
    this.#database.prepare('DELETE FROM splits WHERE name = ?').run(name);
    this.#database.prepare('UPDATE functions SET sticky = ? WHERE name = ?').run(split?.sticky ?? null, name);
    const insert = this.#database.prepare('INSERT INTO splits (name, version, percent, position) VALUES (?, ?, ?, ?)');
    for (const [at, { version, percent }] of (split?.versions ?? []).entries()) insert.run(name, version, percent, at);
  }

  /** Something was written. */
  changed(): void {
    this.#known.clear();
    this.#counted.clear();
  }

  #written(work: () => unknown): void {
    try {
      transaction(this.#database, work);
    } finally {
      this.changed();
    }
  }

  #setting(name: FunctionName): { readonly sticky: string | null; readonly retain: number | null } {
    const row = this.#settings.get(name) as unknown as { sticky: string | null; retain: number | null } | undefined;
    return row ?? { sticky: null, retain: null };
  }
}
