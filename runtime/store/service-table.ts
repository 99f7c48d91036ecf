import type { DatabaseSync } from 'node:sqlite';
import { type Digest, type FunctionName, parseDigest, parseName } from '../../guest-sdk/protocol/index.ts';
import { ServicePastTable } from './service-past-table.ts';
import { asStorageError } from './storage-error.ts';
import { transaction } from './transaction.ts';

/** A service as it is kept. */
export interface RegisteredService {
  readonly name: FunctionName;
  /** Digest of the VM image that its VMs are cloned from. */
  readonly image: Digest;
  /** What runs in it, as text that only the writer interprets. */
  readonly spec: string;
  /** Fingerprint of the key that it was taken as signed by; null when nobody signed it. */
  readonly publisher: string | null;
  /** RFC 3339, UTC. */
  readonly changedAt: string;
}

interface ServiceRow {
  readonly name: string;
  readonly image: string;
  readonly spec: string;
  readonly publisher: string | null;
  readonly changed_at: string;
}

/** The services of a registry. Every change is on the disk when its method returns. */
export class ServiceTable {
  /** What they were before. */
  readonly past: ServicePastTable;
  readonly #database: DatabaseSync;
  readonly #now: () => Date;

  constructor(database: DatabaseSync, now: () => Date) {
    this.past = new ServicePastTable(database);
    this.#database = database;
    this.#now = now;
  }

  /** All of them, by name. */
  list(): RegisteredService[] {
    return this.#rows('SELECT * FROM services ORDER BY name').map(asService);
  }

  /** One service, or undefined when there is none. */
  find(name: FunctionName): RegisteredService | undefined {
    return this.#rows('SELECT * FROM services WHERE name = ?', name).map(asService)[0];
  }

  /** Writes a service, in place of an earlier one of the name. */
  put({ name, image, spec, publisher }: Omit<RegisteredService, 'changedAt'>): void {
    const sql = 'INSERT OR REPLACE INTO services (name, image, spec, publisher, changed_at) VALUES (?, ?, ?, ?, ?)';
    this.#change(sql, name, image, spec, publisher, this.#now().toISOString());
  }

  /** Removes a service with its past; false when there was none. */
  remove(name: FunctionName): boolean {
    return transaction(this.#database, () => {
      this.#change('DELETE FROM service_past WHERE name = ?', name);
      return this.#change('DELETE FROM services WHERE name = ?', name) > 0;
    });
  }

  /** Whether any service is cloned from this image. */
  usesImage(image: Digest): boolean {
    return this.#rows('SELECT * FROM services WHERE image = ? LIMIT 1', image).length > 0;
  }

  #rows(sql: string, ...values: string[]): ServiceRow[] {
    return this.#database.prepare(sql).all(...values) as unknown as ServiceRow[];
  }

  #change(sql: string, ...values: (string | null)[]): number {
    try {
      return Number(this.#database.prepare(sql).run(...values).changes);
    } catch (error) {
      throw asStorageError(error);
    }
  }
}

function asService(row: ServiceRow): RegisteredService {
  const { name, image, spec, publisher, changed_at: changedAt } = row;
  return { name: parseName(name), image: parseDigest(image), spec, publisher, changedAt };
}
