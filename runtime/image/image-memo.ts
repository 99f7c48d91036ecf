import { readFile, stat } from 'node:fs/promises';
import { writeDurably } from '../store/index.ts';
import { digestFile } from './image-inputs.ts';
import type { DebianPackage } from './kernel-package.ts';

/** A file that changed less than this ago is not remembered: another change may still bear the same time. */
const SETTLED_MS = 1000;

/** What decides which kernel package is the newest: the package lists of apt, and what it is told to prefer. */
const APT_STATE = [
  '/var/lib/apt/lists',
  '/etc/apt/sources.list',
  '/etc/apt/sources.list.d',
  '/etc/apt/preferences',
  '/etc/apt/preferences.d',
] as const;

interface Remembered {
  readonly format: 1;
  readonly bootId: string;
  readonly digests: Record<string, { readonly stamp: string; readonly sha256: string }>;
  kernel: { readonly stamp: string; readonly found: DebianPackage } | null;
}

/**
 * What was found out about files, for as long as the file system says that they are the same: device, inode, size and both times,
 * of which nobody can set the one of the last change. Everything is found out again after the computer was booted, because a power loss may
 * leave the right times over the wrong bytes.
 */
export class ImageMemo {
  readonly #path: string;
  readonly #remembered: Remembered;
  readonly #now: () => number;
  #changed = false;

  private constructor(path: string, remembered: Remembered, now: () => number) {
    this.#path = path;
    this.#remembered = remembered;
    this.#now = now;
  }

  /** Reads the memo at `path`; an empty one when there is none, or it is torn, or of another boot. `now` is in milliseconds since 1970. */
  static async open(path: string, now: () => number = Date.now): Promise<ImageMemo> {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    try {
      const known = JSON.parse(await readFile(path, 'utf8')) as Remembered;
      if (known.format === 1 && known.bootId === bootId) return new ImageMemo(path, known, now);
    } catch {
      // Nothing is remembered: it is found out again.
    }
    return new ImageMemo(path, { format: 1, bootId, digests: {}, kernel: null }, now);
  }

  /** SHA-256 of a file, in hexadecimal. */
  async digest(path: string): Promise<string> {
    const before = await stampOf(path);
    const known = this.#remembered.digests[path];
    if (known !== undefined && known.stamp === before) return known.sha256;
    const { ctimeMs } = await stat(path);
    const sha256 = await digestFile(path);
    if (before === (await stampOf(path)) && this.#now() - ctimeMs > SETTLED_MS) {
      this.#remembered.digests[path] = { stamp: before, sha256 };
      this.#changed = true;
    }
    return sha256;
  }

  /** The kernel package to use now: what `resolve` said when the package lists were as they are. Asking apt takes a second. */
  async kernel(resolve: () => Promise<DebianPackage>): Promise<DebianPackage> {
    const stamp = (await Promise.all(APT_STATE.map((path) => stampOf(path).catch(() => 'none')))).join();
    const known = this.#remembered.kernel;
    if (known !== null && known.stamp === stamp) return known.found;
    const found = await resolve();
    this.#remembered.kernel = { stamp, found };
    this.#changed = true;
    return found;
  }

  /** Writes what is new, without what was about files that are gone. Several processes may: the last one's memo stays. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    for (const path of Object.keys(this.#remembered.digests)) {
      await stat(path).catch(() => delete this.#remembered.digests[path]);
    }
    await writeDurably(this.#path, JSON.stringify(this.#remembered), 0o644);
    this.#changed = false;
  }
}

async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
