/** Bytes that come in pieces. */
export type BodySource = AsyncIterable<Uint8Array>;

/** What a body can be made of. A source is read once, piece by piece, while it is sent. */
export type BodyInit = string | Uint8Array | ArrayBuffer | BodySource | null;

/** Largest piece in which a body at hand is given out. */
const PIECE_BYTES = 64 * 1024;

/** What `Request` and `Response` share: a body that is read once, whole or piece by piece. */
export class Body {
  readonly #source: BodySource | null;
  #used = false;

  constructor(init: BodyInit = null) {
    this.#source = sourceOf(init);
  }

  /** The body in pieces, or null when there is none. Iterating uses it up. */
  get body(): BodySource | null {
    if (this.#source === null) return null;
    const read = () => this.#use();
    return { [Symbol.asyncIterator]: () => read()[Symbol.asyncIterator]() };
  }

  /** Whether the body has been read, or begun to be. */
  get bodyUsed(): boolean {
    return this.#used;
  }

  /** The whole body. */
  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of this.#use()) {
      pieces.push(piece);
      length += piece.length;
    }
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) return first;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    return new Uint8Array(bytes).buffer;
  }

  /** The whole body as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** The whole body as JSON. @throws SyntaxError when it is not. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  #use(): BodySource {
    if (this.#used) throw new TypeError('the body has been read already');
    this.#used = true;
    return this.#source ?? pieces(new Uint8Array(0));
  }
}

function sourceOf(init: BodyInit): BodySource | null {
  if (init === null) return null;
  if (typeof init === 'string') return pieces(new TextEncoder().encode(init));
  if (init instanceof Uint8Array) return pieces(init);
  if (init instanceof ArrayBuffer) return pieces(new Uint8Array(init));
  if (typeof init === 'object' && Symbol.asyncIterator in init) return init;
  throw new TypeError('a body must be a string, bytes, or an async iterable of bytes');
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
