/**
 * Whose turn it is among those who want the same scarce thing: start-time fair queueing. Each turn moves its taker back by
 * 1/weight in a time that only turns move, so that over any stretch all who want get turns in proportion to their weights, and
 * who wanted nothing for a while is neither owed nor owing. Pure.
 */
export class FairTurns {
  /** When each taker may come again; who is not in it may come now. */
  readonly #free = new Map<string, number>();
  #now = 0;

  /** The tag of a taker's next turn; the lowest tag goes first. */
  tag(taker: string): number {
    return Math.max(this.#now, this.#free.get(taker) ?? 0);
  }

  /** Gives a turn. */
  take(taker: string, weight: number): void {
    const tag = this.tag(taker);
    this.#now = tag;
    this.#free.set(taker, tag + 1 / weight);
    for (const [other, free] of this.#free) if (free <= tag) this.#free.delete(other);
  }
}
