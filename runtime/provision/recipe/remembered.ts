import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { asStorageError, isMissing, writeDurably } from '../../store/index.ts';

const Entry = v.strictObject({
  /** Of what was made. */
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** When the versions of its packages were looked up, milliseconds since 1970. */
  at: v.number(),
});

/** How long versions of packages are taken to be the newest: sources are asked once a day. */
export const REMEMBERED_MS = 24 * 60 * 60_000;

/** What recipes came to, by their keys: as long as it is remembered, nobody asks the sources of packages again. */
export class RememberedRecipes {
  readonly #directory: string;
  readonly #now: () => number;

  /** `now` gives milliseconds since 1970. */
  constructor(directory: string, now: () => number = Date.now) {
    this.#directory = directory;
    this.#now = now;
  }

  /** The key of what a recipe came to within the last day; null when that is not known. */
  async find(recipe: string): Promise<string | null> {
    try {
      const { key, at } = v.parse(Entry, JSON.parse(await readFile(this.#path(recipe), 'utf8')));
      return at <= this.#now() && this.#now() - at < REMEMBERED_MS ? key : null;
    } catch (error) {
      if (isMissing(error)) return null;
      // A torn file says nothing; what it said is found out again.
      await rm(this.#path(recipe), { force: true });
      return null;
    }
  }

  /** Remembers what a recipe came to. */
  async remember(recipe: string, key: string): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await this.#sweep();
      await writeDurably(this.#path(recipe), JSON.stringify({ key, at: this.#now() }), 0o600);
    } catch (error) {
      throw asStorageError(error);
    }
  }

  /** Removes what is out of date, and what a host that was killed has left. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const found = await stat(path).catch(() => null); // Another host was faster.
      if (found !== null && Math.abs(this.#now() - found.mtimeMs) > REMEMBERED_MS) await rm(path, { force: true });
    }
  }

  #path(recipe: string): string {
    return join(this.#directory, `${recipe}.json`);
  }
}
