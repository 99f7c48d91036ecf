import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { compareUse, type FunctionInfo, type FunctionName, type Grant, Use } from '../../guest-sdk/protocol/index.ts';
import { isMissing } from '../store/index.ts';
import { FunctionUse } from './function-use.ts';

/** Versions of a function whose use is kept: those that calls may go to, one after the other. */
const MOST_VERSIONS = 4;

/** How long news of use wait for more before they are written, milliseconds. */
const GATHER_MS = 1000;

/** The file of one function. */
const UseFile = v.object({
  format: v.literal(1),
  versions: v.array(v.object({ id: v.string(), since: v.string(), use: Use })),
});

interface Kept {
  readonly since: string;
  readonly use: FunctionUse;
}

/** What the uses of functions are made with. */
export interface FunctionUsesOptions {
  /** Holds a file for each function; made when it is needed. */
  readonly directory: string;
  readonly isFunction: (name: string) => boolean;
  /** A line of the host's for the log of a version, named by its pool id. */
  readonly log: (
    id: string,
    line: {
      readonly invocation: string;
      readonly stream: 'host';
      readonly text: string;
      readonly entry: { readonly level: 'info'; readonly context: string };
    },
  ) => void;
  readonly stored: (name: FunctionName) => { readonly keyValueBytes: number; readonly blobBytes: number };
  /** Hears that what is seen cannot be kept. */
  readonly unkept: (sentence: string) => void;
}

/** What the versions of all functions used, kept over restarts. */
export class FunctionUses {
  readonly #options: FunctionUsesOptions;
  readonly #kept = new Map<FunctionName, Map<string, Kept>>();
  readonly #unsaved = new Set<FunctionName>();
  #gathering: NodeJS.Timeout | null = null;
  #isKept = true;

  private constructor(options: FunctionUsesOptions) {
    this.#options = options;
  }

  /** Opens what is kept, and removes what is of no function any more. */
  static open(options: FunctionUsesOptions): FunctionUses {
    const uses = new FunctionUses(options);
    for (const file of uses.#files()) if (!options.isFunction(file.replace(/\.json$/, ''))) uses.#erase(file);
    return uses;
  }

  /** That of a version; `id` names it for ever, see `versionId`. */
  of(name: FunctionName, id: string): FunctionUse {
    const versions = this.#versions(name);
    const kept = versions.get(id);
    if (kept !== undefined) return kept.use;
    const [oldest] = versions.keys();
    if (versions.size >= MOST_VERSIONS) versions.delete(oldest!);
    const use = this.#make(name, id);
    versions.set(id, { since: new Date().toISOString(), use });
    return use;
  }

  /** A version's use against its grant, as people are told; undefined when it was never used. */
  info(name: FunctionName, id: string, grant: Grant): FunctionInfo['use'] {
    const kept = this.#versions(name).get(id);
    if (kept === undefined || kept.use.use.invocations === 0) return undefined;
    const seen = kept.use.use;
    return { since: kept.since, items: compareUse(grant, seen), seen };
  }

  /** A function is gone. */
  remove(name: FunctionName): void {
    this.#kept.delete(name);
    this.#unsaved.delete(name);
    this.#erase(`${name}.json`);
  }

  /** Writes what is not written. */
  close(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    this.#save();
  }

  #versions(name: FunctionName): Map<string, Kept> {
    let versions = this.#kept.get(name);
    if (versions === undefined) {
      versions = new Map();
      for (const { id, since, use } of this.#load(name)) versions.set(id, { since, use: this.#make(name, id, use) });
      this.#kept.set(name, versions);
    }
    return versions;
  }

  #make(name: FunctionName, id: string, before?: Use): FunctionUse {
    const { log, stored } = this.#options;
    return new FunctionUse(
      {
        note: (invocation, text) =>
          log(id, { invocation, stream: 'host', text, entry: { level: 'info', context: 'grant' } }),
        changed: () => this.#changed(name),
        stored: () => stored(name),
      },
      before,
    );
  }

  #changed(name: FunctionName): void {
    this.#unsaved.add(name);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.#save();
    }, GATHER_MS).unref();
  }

  #load(name: FunctionName): v.InferOutput<typeof UseFile>['versions'] {
    try {
      const text = readFileSync(join(this.#options.directory, `${name}.json`), 'utf8');
      return v.parse(UseFile, JSON.parse(text)).versions;
    } catch (error) {
      // What was seen before is a hint for people: a torn or foreign file costs that and nothing else.
      if (!isMissing(error)) this.#options.unkept(`what "${name}" used before cannot be read, and is seen anew`);
      return [];
    }
  }

  #save(): void {
    const { directory, unkept } = this.#options;
    for (const name of this.#unsaved) {
      const versions = [...(this.#kept.get(name) ?? [])].map(([id, { since, use }]) => ({ id, since, use: use.use }));
      const path = join(directory, `${name}.json`);
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.tmp`, JSON.stringify({ format: 1, versions }), { mode: 0o600 });
        renameSync(`${path}.tmp`, path);
        this.#isKept = true;
      } catch (error) {
        // No invocation may fail for it, and who reads the journal needs to hear it once.
        if (this.#isKept) unkept(`what functions use cannot be kept: ${(error as Error).message}`);
        this.#isKept = false;
      }
    }
    this.#unsaved.clear();
  }

  #files(): string[] {
    try {
      return readdirSync(this.#options.directory);
    } catch (error) {
      if (!isMissing(error)) this.#options.unkept(`what functions used cannot be read: ${(error as Error).message}`);
      return [];
    }
  }

  #erase(file: string): void {
    try {
      rmSync(join(this.#options.directory, file), { force: true });
    } catch (error) {
      this.#options.unkept(`${file} of what functions used cannot be removed: ${(error as Error).message}`);
    }
  }
}
