import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  parseSnapshotManifest,
  type SnapshotConditions,
  type SnapshotManifest,
  snapshotKey,
  snapshotManifest,
} from './snapshot-manifest.ts';
import { sparseDigest } from './sparse-digest.ts';

/** A saved machine on disk. */
export interface Snapshot {
  readonly key: string;
  readonly conditions: SnapshotConditions;
  /** Path of its memory, a sparse file of the size of the machine's memory. */
  readonly memory: string;
  /** Path of the state of its devices. */
  readonly state: string;
}

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

const FILES = { memory: 'memory', state: 'state', manifest: 'manifest.json' } as const;
const DRAFT_PREFIX = '.making-';

/** Snapshots by the conditions under which they may be restored. What it gives was found whole; what is not whole is removed. */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #bootId: string;
  /** Keys of what is being committed: that is not removed to make room. */
  readonly #committing = new Set<string>();

  private constructor(options: SnapshotStoreOptions, bootId: string) {
    this.#options = options;
    this.#bootId = bootId;
  }

  /** Opens the store, made when missing, and removes what a host that is gone has left half-made. */
  static async open(options: SnapshotStoreOptions): Promise<SnapshotStore> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(options.directory)) {
      if (!name.startsWith(DRAFT_PREFIX) || (await isAlive(Number(name.split('-')[1])))) continue;
      await rm(join(options.directory, name), { recursive: true, force: true });
    }
    return new SnapshotStore(options, (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
  }

  /** The snapshot for these conditions; null when there is none, or what there was had to be refused and is gone. */
  async find(conditions: SnapshotConditions, signal?: AbortSignal): Promise<Snapshot | null> {
    const key = snapshotKey(conditions);
    const directory = this.#path(key);
    const text = await readFile(join(directory, FILES.manifest), 'utf8').catch(() => null);
    if (text === null) return null;
    const manifest = parseSnapshotManifest(text);
    const wrong = manifest === null ? 'its manifest cannot be read' : await this.#wrongWith(key, manifest, signal);
    if (wrong !== null) {
      await this.refuse(key, wrong);
      return null;
    }
    const now = new Date();
    await utimes(directory, now, now).catch(() => {
      // It was removed just now: whoever restores it will be told.
    });
    return snapshotAt(key, directory, manifest!.conditions);
  }

  /** Removes a snapshot that turned out to be of no use; `reason` is a clause for the log. */
  async refuse(key: string, reason: string): Promise<void> {
    await rm(this.#path(key), { recursive: true, force: true });
    this.#options.refused?.(`a snapshot of a machine was refused and removed, and will be made again: ${reason}`);
  }

  /** Removes the snapshots whose content nobody needs any more. */
  async forget(isGone: (content: string) => boolean): Promise<void> {
    for (const { key, content } of await this.#all()) {
      if (content !== null && isGone(content)) await rm(this.#path(key), { recursive: true, force: true });
    }
  }

  /** Empty files for a machine that will be saved under these conditions. */
  async draft(conditions: SnapshotConditions): Promise<SnapshotDraft> {
    const key = snapshotKey(conditions);
    const directory = this.#path(`${DRAFT_PREFIX}${process.pid}-${key.slice(0, 16)}-${randomUUID().slice(0, 8)}`);
    await mkdir(directory, { mode: 0o700 });
    const [memory, saved] = [join(directory, FILES.memory), join(directory, FILES.state)];
    const file = await open(memory, 'wx', 0o600);
    await file.truncate(conditions.memoryMib * 2 ** 20);
    await file.close();
    await writeFile(saved, '', { mode: 0o600, flag: 'wx' });
    const discard = () => rm(directory, { recursive: true, force: true });
    const commit = async (signal?: AbortSignal) => {
      const bytes = { memory: (await stat(memory)).size, state: (await stat(saved)).size };
      if (bytes.state === 0) throw new Error('expected the state of a machine, got an empty file');
      const manifest = snapshotManifest({
        conditions,
        files: {
          memory: { bytes: bytes.memory, digest: await sparseDigest(memory, signal) },
          state: { bytes: bytes.state, digest: await sparseDigest(saved, signal) },
        },
        verified: { bootId: this.#bootId, memory: await stampOf(memory), state: await stampOf(saved) },
      });
      await writeFile(join(directory, FILES.manifest), JSON.stringify(manifest, null, 2), { mode: 0o600 });
      const final = this.#path(key);
      this.#committing.add(key);
      try {
        // Whoever was faster made the same.
        await rename(directory, final).catch(async () => {
          await rm(final, { recursive: true, force: true });
          await rename(directory, final);
        });
        await this.trim();
      } finally {
        this.#committing.delete(key);
      }
      return snapshotAt(key, final, conditions);
    };
    return { memory, saved, commit, discard };
  }

  /** Bytes on disk and number of the snapshots. */
  async usage(): Promise<{ readonly bytes: number; readonly snapshots: number }> {
    const all = await this.#all();
    return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), snapshots: all.length };
  }

  /** Removes the least recently used until the rest fits; those without content, from which all others come, go last. */
  async trim(): Promise<void> {
    const { budgetBytes, floor } = this.#options;
    const all = await this.#all();
    let bytes = all.reduce((sum, each) => sum + each.bytes, 0);
    let left = all.length;
    const order = all.sort((a, b) => Number(a.content === null) - Number(b.content === null) || a.usedAt - b.usedAt);
    for (const each of order) {
      if (bytes <= budgetBytes || left <= floor) return;
      if (this.#committing.has(each.key)) continue;
      await rm(this.#path(each.key), { recursive: true, force: true });
      bytes -= each.bytes;
      left -= 1;
    }
  }

  async #all(): Promise<{ key: string; bytes: number; usedAt: number; content: string | null }[]> {
    const names = (await readdir(this.#options.directory)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const found = await Promise.all(
      names.map(async (key) => {
        try {
          const directory = this.#path(key);
          const manifest = parseSnapshotManifest(await readFile(join(directory, FILES.manifest), 'utf8'));
          const { blocks } = await stat(join(directory, FILES.memory));
          const usedAt = (await stat(directory)).mtimeMs;
          return { key, bytes: blocks * 512, usedAt, content: manifest?.conditions.content ?? null };
        } catch {
          return null; // Removed while we looked.
        }
      }),
    );
    return found.filter((each) => each !== null);
  }

  /** What is wrong with a snapshot, as a clause; null when it is what it was. Reads its bytes once in each boot of the computer. */
  async #wrongWith(key: string, manifest: SnapshotManifest, signal?: AbortSignal): Promise<string | null> {
    if (snapshotKey(manifest.conditions) !== key) return 'its manifest is that of another';
    const directory = this.#path(key);
    const paths = { memory: join(directory, FILES.memory), state: join(directory, FILES.state) };
    const { verified } = manifest;
    try {
      const stamps = { memory: await stampOf(paths.memory), state: await stampOf(paths.state) };
      if (verified.bootId === this.#bootId && verified.memory === stamps.memory && verified.state === stamps.state) {
        return null;
      }
      for (const file of ['state', 'memory'] as const) {
        const expected = manifest.files[file];
        const { size } = await stat(paths[file]);
        if (size !== expected.bytes) return `its ${file} has ${size} bytes, expected ${expected.bytes}`;
        if ((await sparseDigest(paths[file], signal)) !== expected.digest)
          return `its ${file} does not have its digest`;
      }
      const renewed = { ...manifest, verified: { bootId: this.#bootId, ...stamps } };
      const path = join(directory, FILES.manifest);
      await writeFile(`${path}.new`, JSON.stringify(renewed, null, 2), { mode: 0o600 });
      await rename(`${path}.new`, path);
      return null;
    } catch (error) {
      signal?.throwIfAborted();
      return `it cannot be read: ${(error as Error).message}`;
    }
  }

  #path(name: string): string {
    return join(this.#options.directory, name);
  }
}

function snapshotAt(key: string, directory: string, conditions: SnapshotConditions): Snapshot {
  return { key, conditions, memory: join(directory, FILES.memory), state: join(directory, FILES.state) };
}

/** Changes with every write to a file: nobody but root can set the time of the last change. Renames do not touch it on common file systems. */
async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function isAlive(pid: number): Promise<boolean> {
  return stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
}
