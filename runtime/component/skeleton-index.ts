import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Digest, parseDigest } from '../../guest-sdk/protocol/index.ts';
import type { Skeleton } from './skeleton.ts';

const Known = v.strictObject({ component: v.string(), memories: v.array(v.string()) });

/** The last component of a skeleton that was translated. */
export interface KnownSkeleton {
  readonly component: Digest;
  readonly memories: readonly string[];
}

/** Which component of a skeleton has an artifact, as one file each. Nothing here is precious: what cannot be read or written is as if it were not. */
export class SkeletonIndex {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async find({ key }: Skeleton): Promise<KnownSkeleton | null> {
    try {
      const { component, memories } = v.parse(Known, JSON.parse(await readFile(join(this.#directory, key), 'utf8')));
      return { component: parseDigest(component), memories };
    } catch {
      return null;
    }
  }

  async note({ key, memories }: Skeleton, component: Digest): Promise<void> {
    const incoming = join(this.#directory, `${key}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeFile(incoming, JSON.stringify({ component, memories }));
      await rename(incoming, join(this.#directory, key));
    } catch {
      // Then the next of this skeleton is translated in full.
      await rm(incoming, { force: true });
    }
  }
}
