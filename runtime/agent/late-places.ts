/** Where the pieces of late files are among the pieces of all of them, and in their files. Pure. */
export class LatePlaces {
  /** Of each file, the number of its first piece; behind them, how many there are. */
  readonly #first: readonly number[];
  /** Of each piece, where it begins in the bytes of all late files; behind them, how many there are. */
  readonly #starts: readonly number[];

  /** Of each file, how long its pieces are. */
  constructor(files: readonly (readonly number[])[]) {
    const [first, starts] = [[0], [0]];
    for (const pieces of files) {
      for (const length of pieces) starts.push(starts.at(-1)! + length);
      first.push(starts.length - 1);
    }
    this.#first = first;
    this.#starts = starts;
  }

  /** Pieces of all files. */
  get count(): number {
    return this.#starts.length - 1;
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.#starts.at(-1)!;
  }

  /** The number of a file's piece among all; undefined when there is no such piece. */
  piece(late: number, piece: number): number | undefined {
    const [from, to] = [this.#first[late], this.#first[late + 1]];
    if (from === undefined || to === undefined || !(Number.isInteger(piece) && piece >= 0 && piece < to - from))
      return undefined;
    return from + piece;
  }

  /** Where a piece, by its number among all, begins and ends in the bytes of all files. */
  span(at: number): readonly [start: number, end: number] {
    return [this.#starts[at]!, this.#starts[at + 1]!];
  }

  /** The numbers among all of the pieces that have bytes of a file from `start` to before `end`: the first, and the one behind the last. */
  covering(late: number, start: number, end: number): readonly [from: number, to: number] {
    const [first, last] = [this.#first[late]!, this.#first[late + 1]!];
    const base = this.#starts[first]!;
    // The last that begins at or before `start`.
    let [from, above] = [first, last];
    while (above - from > 1) {
      const middle = (from + above) >> 1;
      if (this.#starts[middle]! - base <= start) from = middle;
      else above = middle;
    }
    let to = from;
    while (to < last && this.#starts[to]! - base < end) to += 1;
    return [from, to];
  }

  /** The first piece of a file, by its number among all. */
  first(late: number): number {
    return this.#first[late]!;
  }
}
