import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { askBlobs } from './asking.ts';
import type { NamePage } from './blob-backend.ts';

/** Most names that one call gives: they are all held in memory. */
const MOST_NAMES = 10_000n;

/** Most names that are asked of the backend at once. */
const PAGE_NAMES = 1000;

/**
 * `wasi:blobstore/container`'s resource `stream-object-names`. It runs over the live container in the order of the names, and holds no
 * more than the last one it gave.
 */
export class ObjectNames {
  readonly #context: Context;
  readonly #container: string;
  #last: string | null = null;
  #dropped = false;

  constructor(context: Context, container: string) {
    context.retain();
    this.#context = context;
    this.#container = container;
  }

  async readStreamObjectNames(length: bigint): Promise<[names: string[], atEnd: boolean]> {
    const wanted = Number(length < MOST_NAMES ? length : MOST_NAMES);
    const names: string[] = [];
    let atEnd = false;
    while (names.length < wanted && !atEnd) {
      const page = await this.#page(Math.min(wanted - names.length, PAGE_NAMES));
      names.push(...page.names);
      atEnd = page.atEnd;
    }
    return [names, atEnd];
  }

  async skipStreamObjectNames(count: bigint): Promise<[skipped: bigint, atEnd: boolean]> {
    let skipped = 0n;
    let atEnd = false;
    while (skipped < count && !atEnd) {
      const left = count - skipped;
      const page = await this.#page(left < PAGE_NAMES ? Number(left) : PAGE_NAMES);
      skipped += BigInt(page.names.length);
      atEnd = page.atEnd;
    }
    return [skipped, atEnd];
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }

  async #page(most: number): Promise<NamePage> {
    const page = await askBlobs(this.#context, (backend) => backend.names(this.#container, this.#last, most));
    this.#last = page.names.at(-1) ?? this.#last;
    return page;
  }
}
