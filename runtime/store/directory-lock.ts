import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { writeDurably } from './durable-file.ts';

/** SQLite's code for a lock that another connection holds. */
const SQLITE_BUSY = 5;

/** How often a process that waits for another's lock looks again, milliseconds. */
const RETRY_MS = 250;

/**
 * An exclusive hold on a directory, as a lock of the operating system: it ends with the process however that ends, and a process
 * that later gets the same number is not mistaken for the holder. SQLite takes the lock, since Node itself offers none.
 */
export class DirectoryLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Takes the lock of `directory`, or fails with `conflict` and a sentence naming the process that has it. */
  static async take(directory: string): Promise<DirectoryLock> {
    const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
    try {
      database.exec('PRAGMA journal_mode = DELETE');
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw error;
      throw new CloudletError(
        'conflict',
        `data directory ${directory} is in use by ${await holderOf(directory)}; stop it or use --data`,
      );
    }
    const lock = new DirectoryLock(database);
    try {
      await writeDurably(join(directory, 'lock-holder'), `${process.pid}\n`, 0o600);
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  /** Takes the lock as soon as nobody has it. */
  static async takeWhenFree(directory: string, signal?: AbortSignal): Promise<DirectoryLock> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await DirectoryLock.take(directory);
      } catch (error) {
        if (!(error instanceof CloudletError) || error.code !== 'conflict') throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Lets go. Idempotent. */
  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Who wrote its number last; only for the sentence, the lock itself decides. */
async function holderOf(directory: string): Promise<string> {
  const text = await readFile(join(directory, 'lock-holder'), 'utf8').catch(() => ''); // The holder may not have come to write it.
  return /^\d+\n$/.test(text) ? `pid ${text.trim()}` : 'another process';
}
