import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { BlobStore } from './blob-store.ts';
import { DirectoryLock } from './directory-lock.ts';
import { writeDurably } from './durable-file.ts';
import { type Identity, openIdentity } from './identity.ts';
import { Registry } from './registry.ts';
import { secretFile } from './secret-file.ts';
import { SecretVault } from './secret-vault.ts';
import { asDatabaseError, asDirectoryError, isMissing } from './storage-error.ts';

/** Layout of a data directory; another number is another layout, and is refused. */
const FORMAT = 'cloudlet-data 1\n';

/** Everything a cloudlet must not lose, in one directory that one process has open. */
export class DataDir {
  readonly path: string;
  readonly identity: Identity;
  readonly blobs: BlobStore;
  readonly registry: Registry;
  /** Where the logs of functions are kept. */
  readonly logs: string;
  readonly secrets: SecretVault;
  readonly #lock: DirectoryLock;

  private constructor(
    path: string,
    lock: DirectoryLock,
    { identity, blobs, registry, secrets }: Pick<DataDir, 'identity' | 'blobs' | 'registry' | 'secrets'>,
  ) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.#lock = lock;
    this.identity = identity;
    this.blobs = blobs;
    this.registry = registry;
    this.secrets = secrets;
  }

  /**
   * Opens `path`, which is made when missing and gets the mode 0700, and clears what a killed predecessor left half-written, including blobs
   * that no version names. Errors: `conflict` when another process has it or a newer Cloudlet wrote it;
   * `storage-unavailable` when this user cannot write there; `storage-full`; `storage-corrupt` when a key file cannot be
   * read.
   */
  static async open(path: string): Promise<DataDir> {
    try {
      return await DataDir.#take(path);
    } catch (error) {
      throw asDirectoryError(error, path);
    }
  }

  static async #take(path: string): Promise<DataDir> {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made === undefined) await refuseForeign(path);
    await chmod(path, 0o700);
    const lock = await DirectoryLock.take(path);
    let registry: Registry | undefined;
    try {
      await checkFormat(path);
      await removeTemporaries(path);
      const identity = await openIdentity(path);
      const blobs = await BlobStore.open(join(path, 'blobs'));
      registry = Registry.open(join(path, 'registry.sqlite'));
      const key = await secretFile(join(path, 'secrets-key'), SecretVault.newKey);
      const secrets = new SecretVault(registry, key);
      for (const { name, version } of registry.arriving.list()) registry.withdraw(name, version);
      const opened = new DataDir(path, lock, { identity, blobs, registry, secrets });
      await opened.collectGarbage();
      return opened;
    } catch (error) {
      registry?.close();
      lock.release();
      throw asDatabaseError(error, join(path, 'registry.sqlite'));
    }
  }

  /** Removes blobs that no version names and no publish holds; returns those that went. */
  collectGarbage(): Promise<Digest[]> {
    return this.blobs.gc((digest) => this.registry.inUse(digest));
  }

  /** Closes the registry and lets go of the directory. Idempotent. */
  close(): void {
    this.registry.close();
    this.#lock.release();
  }
}

/** What lies in a data directory before its `format` does: what a start that was killed left, keys that somebody put back. */
const BEFORE_FORMAT =
  /^(lock(-journal|-holder)?|owner-token|identity-key\.pem|secrets-key|lost\+found|.*\.[0-9a-f]{12}\.tmp)$/;

/** Refuses a directory that others use, such as `/tmp` or a home: it would be closed to all of them. */
async function refuseForeign(path: string): Promise<void> {
  const names = await readdir(path);
  if (names.includes('format')) return;
  const foreign = names.find((name) => !BEFORE_FORMAT.test(name));
  if (foreign === undefined) return;
  throw new CloudletError(
    'storage-unavailable',
    `expected an empty directory or one that Cloudlet made at ${path}, found ${JSON.stringify(foreign)} in it; use --data with a directory of its own`,
  );
}

async function checkFormat(path: string): Promise<void> {
  const file = join(path, 'format');
  const found = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === FORMAT) return;
  if (found !== undefined) {
    throw new CloudletError(
      'conflict',
      `expected ${JSON.stringify(FORMAT.trim())} in ${file}, found ${JSON.stringify(found.slice(0, 80).trim())}: another version of Cloudlet made this directory; use --data with another one`,
    );
  }
  await writeDurably(file, FORMAT, 0o600);
}

/** `writeDurably` leaves its temporary file when the process dies before the rename. */
async function removeTemporaries(path: string): Promise<void> {
  for (const name of await readdir(path))
    if (/\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(path, name), { force: true });
}
