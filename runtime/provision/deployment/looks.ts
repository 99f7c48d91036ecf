/** Those who look at what is here and those who remove it, never both at once: what somebody saw is still here when he says that he uses it. */
export class Looks {
  readonly #looking = new Set<Promise<unknown>>();
  readonly #removing = new Set<Promise<unknown>>();

  /** Looks when no removal goes on; none begins before `work` is over. */
  async look<T>(work: () => Promise<T>): Promise<T> {
    while (this.#removing.size > 0) await Promise.allSettled(this.#removing);
    return during(this.#looking, work());
  }

  /** Removes when nobody looks; whoever comes to look meanwhile waits. */
  async remove<T>(work: () => Promise<T>): Promise<T> {
    while (this.#looking.size > 0) await Promise.allSettled(this.#looking);
    return during(this.#removing, work());
  }
}

async function during<T>(among: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  among.add(work);
  try {
    return await work;
  } finally {
    among.delete(work);
  }
}
