/** What headers can be made of. */
export type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Header fields by name, without regard to case. Several fields of one name are kept apart (`set-cookie` may not be joined). */
export class Headers {
  readonly #fields: [string, string][] = [];

  constructor(init: HeadersInit = []) {
    const fields = Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
    for (const [name, value] of fields) this.append(name, value);
  }

  /** Adds a field. @throws TypeError for a name or value that HTTP cannot carry. */
  append(name: string, value: string): void {
    const text = String(value).trim();
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a header`);
    if (/[\0\r\n]/.test(text)) throw new TypeError(`the header ${name} must have a value of one line`);
    this.#fields.push([name.toLowerCase(), text]);
  }

  /** Replaces all fields of a name by one. */
  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  /** The values of a name joined by commas, or null when there is none. */
  get(name: string): string | null {
    const values = this.#fields.filter(([field]) => field === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  /** The values of all `set-cookie` fields. */
  getSetCookie(): string[] {
    return this.#fields.filter(([field]) => field === 'set-cookie').map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#fields.some(([field]) => field === name.toLowerCase());
  }

  delete(name: string): void {
    const kept = this.#fields.filter(([field]) => field !== name.toLowerCase());
    this.#fields.splice(0, this.#fields.length, ...kept);
  }

  /** Name and value of each field, names in lower case, in the order in which they were added. */
  entries(): IterableIterator<[string, string]> {
    return this.#fields.map(([name, value]): [string, string] => [name, value]).values();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}
