/** How long the rate is measured over, milliseconds: the last seconds say more about the next than the first did. */
const WINDOW_MS = 5_000;
/** From less nothing can be said. */
const LEAST_MS = 500;

/** Estimates how long a stage will take, by the rate of its last seconds. */
export class ProgressRate {
  #stage = '';
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** Seconds until all bytes of a stage are done; null when that cannot be said. */
  estimateS(stage: string, done: number, total: number | null, nowMs: number): number | null {
    if (stage !== this.#stage) this.#samples = [];
    this.#stage = stage;
    this.#samples = [...this.#samples.filter(({ atMs }) => atMs >= nowMs - WINDOW_MS), { atMs: nowMs, bytes: done }];
    const first = this.#samples[0]!;
    const gained = done - first.bytes;
    const elapsedMs = nowMs - first.atMs;
    if (total === null || elapsedMs < LEAST_MS || gained <= 0) return null;
    return Math.round(((Math.max(0, total - done) / gained) * elapsedMs) / 100) / 10;
  }
}
