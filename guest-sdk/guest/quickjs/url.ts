/** The query of an address: names and values, in order. */
export class URLSearchParams {
  readonly #pairs: [string, string][] = [];

  constructor(init: string | Iterable<readonly [string, string]> | Readonly<Record<string, string>> = '') {
    if (typeof init !== 'string') {
      const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
      for (const [name, value] of pairs) this.append(name, value);
      return;
    }
    for (const part of init.replace(/^\?/, '').split('&')) {
      if (part === '') continue;
      const [name = '', ...rest] = part.split('=');
      this.#pairs.push([decode(name), decode(rest.join('='))]);
    }
  }

  append(name: string, value: string): void {
    this.#pairs.push([String(name), String(value)]);
  }

  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  delete(name: string): void {
    const kept = this.#pairs.filter(([other]) => other !== name);
    this.#pairs.splice(0, this.#pairs.length, ...kept);
  }

  get(name: string): string | null {
    return this.#pairs.find(([other]) => other === name)?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter(([other]) => other === name).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#pairs.some(([other]) => other === name);
  }

  get size(): number {
    return this.#pairs.length;
  }

  entries(): IterableIterator<[string, string]> {
    return this.#pairs.map(([name, value]): [string, string] => [name, value]).values();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  }
}

/** An http address taken apart: what `new URL(request.url)` is for. It resolves no relative addresses and knows no other schemes. */
export class URL {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly searchParams: URLSearchParams;

  /** @throws TypeError for anything but an absolute http or https address. */
  constructor(text: string) {
    const match = /^(https?:)\/\/(\[[0-9a-f:.]+\]|[^/?#:@\s]+)(?::(\d{1,5}))?(\/[^?#\s]*)?(\?[^#\s]*)?(#\S*)?$/i.exec(
      String(text),
    );
    if (match === null) throw new TypeError(`expected an address like http://host/path, got ${JSON.stringify(text)}`);
    const [, protocol = '', hostname = '', port = '', pathname = '/', search = '', hash = ''] = match;
    this.protocol = protocol.toLowerCase();
    this.hostname = hostname.toLowerCase();
    this.port = port === (this.protocol === 'https:' ? '443' : '80') ? '' : port;
    this.pathname = pathname;
    this.search = search === '?' ? '' : search;
    this.hash = hash === '#' ? '' : hash;
    this.searchParams = new URLSearchParams(this.search);
  }

  get host(): string {
    return this.port === '' ? this.hostname : `${this.hostname}:${this.port}`;
  }

  get origin(): string {
    return `${this.protocol}//${this.host}`;
  }

  get href(): string {
    return `${this.origin}${this.pathname}${this.search}${this.hash}`;
  }

  toString(): string {
    return this.href;
  }
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // A stray % stands for itself.
    return spaced;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
