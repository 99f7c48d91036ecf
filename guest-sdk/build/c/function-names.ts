import { CloudletError, formatFunction, type WitFunction } from '../../protocol/index.ts';

/** What every header has besides a world's functions; those that would be called so get a `_` behind. */
const HELPERS = ['allocate', 'adopt', 'string', 'mark', 'release'];

/** Names of a world's C functions, of which no two are the same. */
export class FunctionNames {
  readonly #prefix: string;
  readonly #helpers: ReadonlySet<string>;
  readonly #taken = new Map<string, string>();

  /** `prefix` is the world's name in C. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#helpers = new Set(HELPERS.map((name) => `${prefix}_${name}`));
  }

  /**
   * The name made of these words, which are in C already.
   * @throws CloudletError `build-failed` when another function has it.
   */
  of(words: readonly string[], wit: WitFunction): string {
    const plain = [this.#prefix, ...words].join('_');
    const name = this.#helpers.has(plain) ? `${plain}_` : plain;
    const shown = formatFunction(wit);
    const other = this.#taken.get(name);
    if (other !== undefined)
      throw new CloudletError('build-failed', `${other} and ${shown} would both be called ${name} in C; rename one`);
    this.#taken.set(name, shown);
    return name;
  }
}
