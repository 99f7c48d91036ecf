/** How much wider each bucket is than the one before: what a figure may be off by. */
const GROWTH = 1.01;
const LOG = Math.log(GROWTH);
/** Shortest time that is told from others, milliseconds. */
const LEAST_MS = 0.001;

/** Times in buckets that grow by a hundredth: any number of them in little memory. */
export class LatencyHistogram {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, LEAST_MS)) / LOG);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#sum += ms;
    this.#max = Math.max(this.#max, ms);
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The time within which a share of all, 0 to 1, came; 0 when there are none. */
  percentile(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (const [bucket, count] of this.#sorted()) {
      left -= count;
      if (left <= 0) return Math.min(this.#max, Math.exp(bucket * LOG));
    }
    return this.#max;
  }

  /** At most `rows` rows of equal growth from the least to the most: up to which time, and how many. */
  rows(rows: number): readonly { readonly upToMs: number; readonly count: number }[] {
    const sorted = this.#sorted();
    const [least, most] = [sorted[0]?.[0], sorted.at(-1)?.[0]];
    if (least === undefined || most === undefined) return [];
    const width = Math.max(1, Math.ceil((most - least + 1) / rows));
    const made = Array.from({ length: Math.ceil((most - least + 1) / width) }, (_, at) => ({
      upToMs: Math.exp((least + (at + 1) * width) * LOG),
      count: 0,
    }));
    for (const [bucket, count] of sorted) made[Math.floor((bucket - least) / width)]!.count += count;
    return made;
  }

  #sorted(): [number, number][] {
    return [...this.#buckets].sort(([one], [other]) => one - other);
  }
}
