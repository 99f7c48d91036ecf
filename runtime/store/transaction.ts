import type { DatabaseSync } from 'node:sqlite';
import { asStorageError } from './storage-error.ts';

/** Runs `work` whole or not at all; what fails is thrown, a full disk as `storage-full`. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE');
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    throw asStorageError(error);
  }
}
