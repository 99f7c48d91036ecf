import { access, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAborted } from '../unless-aborted.ts';
import { draftName, isCompleteName, isLeftOver } from './directory-name.ts';
import { completeDraft, freeBytes, makeDraft, renameUnlessThere } from './snapshot-draft.ts';
import { type Snapshot, snapshotFiles, snapshotIn } from './snapshot-files.ts';
import { parseSnapshotManifest, type SnapshotConditions, snapshotKey } from './snapshot-manifest.ts';
import { verifySnapshot } from './verify-snapshot.ts';

/** Empty files for a machine that is to become a snapshot. */
export interface SnapshotDraft {
  readonly memory: string;
  readonly saved: string;
  /** Makes a snapshot of what is in the files; no process may write them any more. */
  commit(signal?: AbortSignal): Promise<Snapshot>;
  /** Removes the files. Idempotent; does nothing after a commit. */
  discard(): Promise<void>;
}

/** How a store is made. */
export interface SnapshotStoreOptions {
  readonly directory: string;
  /** Bytes on disk beyond which snapshots go, the least recently used first. */
  readonly budgetBytes: number;
  /** Snapshots that are kept whatever they take. */
  readonly floor: number;
  /** Told one sentence when a snapshot was refused. */
  readonly refused?: (sentence: string) => void;
}

/** Times that a snapshot is tried to be put where another host has put the same. */
const COMMITS = 3;

/**
 * Snapshots by the conditions under which they may be restored. What it gives was found whole; what is not whole is removed. Several
 * hosts may have one directory.
 */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #bootId: string;
  /** Keys of what is being committed: that is not removed to make room. */
  readonly #committing = new Set<string>();
  /** Snapshots that are being looked at, by key: who asks meanwhile gets the same answer. */
  readonly #checks = new Map<string, Promise<boolean>>();

  private constructor(options: SnapshotStoreOptions, bootId: string) {
    this.#options = options;
    this.#bootId = bootId;
  }

  /** Opens the store, made when missing, and removes what a host that is gone has left half-made or half-removed. */
  static async open(options: SnapshotStoreOptions): Promise<SnapshotStore> {
    const { directory } = options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (await isLeftOver(path, name, hasManifest)) await rm(path, { recursive: true, force: true });
    }
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return new SnapshotStore(options, bootId);
  }

  /** The snapshot for these conditions; null when there is none, or what there was had to be refused and is gone. */
  async find(conditions: SnapshotConditions, signal?: AbortSignal): Promise<Snapshot | null> {
    const key = snapshotKey(conditions);
    if (!(await unlessAborted(this.#check(key), signal))) return null;
    const now = new Date();
    await utimes(this.#path(key), now, now).catch(() => {
      // It was removed just now: whoever restores it will be told.
    });
    return snapshotIn(this.#path(key), key, conditions);
  }

  /** Removes a snapshot that turned out to be of no use; `reason` is a clause for the log. */
  async refuse(key: string, reason: string): Promise<void> {
    await this.#remove(key);
    this.#options.refused?.(`a snapshot of a machine was refused and removed, and will be made again: ${reason}`);
  }

  /** Removes the snapshots whose content nobody needs any more. */
  async forget(isGone: (content: string) => boolean): Promise<void> {
    for (const { key, content } of await this.#all()) {
      if (content !== null && isGone(content)) await this.#remove(key);
    }
  }

  /**
   * Empty files for a machine that will be saved under these conditions. Other snapshots go when the disk has no room for its memory;
   * `storage-full` when that is not enough.
   */
  async draft(conditions: SnapshotConditions): Promise<SnapshotDraft> {
    const key = snapshotKey(conditions);
    const directory = this.#path(draftName(key));
    await this.#removeWhile(async () => (await freeBytes(this.#options.directory)) < conditions.memoryMib * 2 ** 20);
    await makeDraft(directory, conditions.memoryMib);
    const { memory, state } = snapshotFiles(directory);
    return {
      memory,
      saved: state,
      discard: () => rm(directory, { recursive: true, force: true }),
      commit: async (signal) => {
        await completeDraft(directory, conditions, this.#bootId, signal);
        this.#committing.add(key);
        try {
          const snapshot = await this.#place(directory, key, conditions);
          await this.trim();
          return snapshot;
        } finally {
          this.#committing.delete(key);
        }
      },
    };
  }

  /** Bytes on disk and number of the snapshots. */
  async usage(): Promise<{ readonly bytes: number; readonly snapshots: number }> {
    const all = await this.#all();
    return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), snapshots: all.length };
  }

  /** Removes what goes beyond the budget. */
  trim(): Promise<void> {
    return this.#removeWhile((bytes) => bytes > this.#options.budgetBytes);
  }

  /** Removes the least recently used first while there is too much; those without content, from which all others come, go last. */
  async #removeWhile(isTooMuch: (bytes: number) => boolean | Promise<boolean>): Promise<void> {
    const all = await this.#all();
    let bytes = all.reduce((sum, each) => sum + each.bytes, 0);
    let left = all.length;
    const order = all.sort((a, b) => Number(a.content === null) - Number(b.content === null) || a.usedAt - b.usedAt);
    for (const each of order) {
      if (left <= this.#options.floor || !(await isTooMuch(bytes))) return;
      if (this.#committing.has(each.key)) continue;
      await this.#remove(each.key);
      bytes -= each.bytes;
      left -= 1;
    }
  }

  /** Puts a complete draft in its place, unless another host was faster: what it made is the same, and may be in use. */
  async #place(directory: string, key: string, conditions: SnapshotConditions): Promise<Snapshot> {
    const final = this.#path(key);
    for (let attempt = 1; attempt < COMMITS; attempt += 1) {
      if (await renameUnlessThere(directory, final)) return snapshotIn(final, key, conditions);
      const theirs = await this.find(conditions);
      if (theirs !== null) {
        await rm(directory, { recursive: true, force: true });
        return theirs;
      }
      // What is there is no snapshot, and `find` says nothing of what has no manifest.
      await rm(final, { recursive: true, force: true });
    }
    throw new Error(`expected to put a snapshot at ${final}, found others there ${COMMITS} times`);
  }

  async #all(): Promise<{ key: string; bytes: number; usedAt: number; content: string | null }[]> {
    const names = (await readdir(this.#options.directory)).filter(isCompleteName);
    const found = await Promise.all(
      names.map(async (key) => {
        try {
          const paths = snapshotFiles(this.#path(key));
          const manifest = parseSnapshotManifest(await readFile(paths.manifest, 'utf8'));
          const { blocks } = await stat(paths.memory);
          const usedAt = (await stat(this.#path(key))).mtimeMs;
          // One that cannot be read is nobody's golden one.
          return { key, bytes: blocks * 512, usedAt, content: manifest === null ? '' : manifest.conditions.content };
        } catch {
          return null; // Removed while we looked.
        }
      }),
    );
    return found.filter((each) => each !== null);
  }

  /** Whether there is a whole snapshot; one that is not whole is refused, once for all who ask at the same time. */
  #check(key: string): Promise<boolean> {
    const running = this.#checks.get(key);
    if (running !== undefined) return running;
    const check = this.#isWhole(key).finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  async #isWhole(key: string): Promise<boolean> {
    const directory = this.#path(key);
    const text = await readFile(snapshotFiles(directory).manifest, 'utf8').catch(() => null);
    if (text === null) return false;
    const manifest = parseSnapshotManifest(text);
    const wrong =
      manifest === null ? 'its manifest cannot be read' : await verifySnapshot(directory, key, manifest, this.#bootId);
    if (wrong === null) return true;
    // One that is being removed is not damaged, and whoever removes it has said why.
    const isThere = await access(snapshotFiles(directory).manifest).then(
      () => true,
      () => false,
    );
    if (isThere) await this.refuse(key, wrong);
    return false;
  }

  /**
   * Removes a snapshot, all of it at once for whoever looks meanwhile: one that was half gone would be taken for a damaged one. Whoever
   * writes into it at this moment, since he has just looked at its bytes, would also keep its directory from being empty.
   */
  async #remove(key: string): Promise<void> {
    const gone = this.#path(draftName(key));
    try {
      await rename(this.#path(key), gone);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // Another has removed it.
      throw error;
    }
    await rm(gone, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#options.directory, name);
  }
}

async function hasManifest(directory: string): Promise<boolean> {
  const text = await readFile(snapshotFiles(directory).manifest, 'utf8').catch(() => null);
  return text !== null && parseSnapshotManifest(text) !== null;
}
