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
   * The name made of these words, which are in C already; of an import, with `import` before them where another function has it.
   * @throws CloudletError `build-failed` when another function has that, too.
   */
  of(words: readonly string[], wit: WitFunction, imported = false): string {
    const plain = [this.#prefix, ...words].join('_');
    const name = this.#helpers.has(plain) ? `${plain}_` : plain;
    const other = this.#taken.get(name);
    if (other !== undefined && imported) return this.of(['import', ...words], wit);
    const shown = formatFunction(wit);
    if (other !== undefined)
      throw new CloudletError('build-failed', `${other} and ${shown} would both be called ${name} in C; rename one`);
    this.#taken.set(name, shown);
    return name;
  }
}
