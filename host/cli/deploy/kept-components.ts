import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeldDictionary } from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  hexOf,
  MAX_DICTIONARY_BYTES,
} from '../../../guest-sdk/protocol/index.ts';

/** Most that is kept: some versions of some functions. */
const MOST = { files: 32, bytes: 128 * 1024 * 1024 } as const;
const NAME = /^([0-9a-f]{64})\.wasm$/;
const WASM = '\0asm';

/**
 * Components that were published from this machine, by digest: what the next version is compared with, so that only the difference is sent.
 * Losing one costs its bytes once more and nothing else.
 */
export class KeptComponents {
  readonly #folder: string;

  constructor(cacheDir: string) {
    this.#folder = join(cacheDir, 'published');
  }

  /** What is kept, `likest` first, then the latest. */
  async dictionaries(likest: string | undefined): Promise<HeldDictionary[]> {
    const kept = await this.#kept();
    const rank = (digest: Digest) => (digest === likest ? 1 : 0);
    return kept
      .sort((a, b) => rank(b.digest) - rank(a.digest) || b.usedMs - a.usedMs)
      .map(({ digest }) => ({ digest, read: () => this.#read(digest) }));
  }

  /** Keeps a component that was published, and lets go what is too much. Where that cannot be done nothing is lost but the saving. */
  async keep(path: string): Promise<void> {
    try {
      const bytes = await componentIn(path);
      if (bytes === null) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const kept = this.#path(digestOf(bytes));
      // Whole or not at all: a command may be ended at any moment.
      const arriving = `${kept}.${randomBytes(6).toString('hex')}`;
      await copyFile(path, arriving);
      await rename(arriving, kept);
      const now = new Date();
      await utimes(kept, now, now);
      await this.#letGo();
    } catch {
      // A read-only or full disk is no reason to fail: the function is published.
    }
  }

  async #read(digest: Digest): Promise<Uint8Array> {
    const bytes = await readFile(this.#path(digest)).catch(() => new Uint8Array(0));
    if (digestOf(bytes) === digest) return bytes;
    await rm(this.#path(digest), { force: true });
    throw new CloudletError('conflict', `expected ${this.#path(digest)} as it was kept, but it changed; publish again`);
  }

  async #letGo(): Promise<void> {
    let bytes = 0;
    for (const [at, each] of (await this.#kept()).sort((a, b) => b.usedMs - a.usedMs).entries()) {
      bytes += each.bytes;
      if (at >= MOST.files || bytes > MOST.bytes) await rm(this.#path(each.digest), { force: true });
    }
    const hourAgo = Date.now() - 3_600_000;
    for (const name of await readdir(this.#folder)) {
      if (NAME.test(name)) continue;
      const left = join(this.#folder, name);
      if ((await stat(left)).mtimeMs < hourAgo) await rm(left, { force: true });
    }
  }

  async #kept(): Promise<{ readonly digest: Digest; readonly bytes: number; readonly usedMs: number }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const found = names.flatMap((name) => {
      const match = NAME.exec(name);
      return match === null ? [] : [digestOfHex(match[1]!)];
    });
    const all = found.map(async (digest) => {
      const known = await stat(this.#path(digest)).catch(() => null);
      return known === null ? [] : [{ digest, bytes: known.size, usedMs: known.mtimeMs }];
    });
    return (await Promise.all(all)).flat();
  }

  #path(digest: Digest): string {
    return join(this.#folder, `${hexOf(digest)}.wasm`);
  }
}

/** A component's bytes; null for what is none, or too long to compress with. */
async function componentIn(path: string): Promise<Uint8Array | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_DICTIONARY_BYTES || size < WASM.length) return null;
    const bytes = await file.readFile();
    return bytes.subarray(0, WASM.length).toString('latin1') === WASM ? bytes : null;
  } finally {
    await file.close();
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return digestOfHex(createHash('sha256').update(bytes).digest('hex'));
}
