import type { Clock } from '../clock.ts';
import type { LaneSandbox } from './lane-sandbox.ts';

/** Whom a watch asks and tells. */
export interface MemoryWatchOptions {
  readonly clock: Clock;
  readonly measureMs: number;
  /** All there are. */
  readonly all: () => readonly LaneSandbox[];
  readonly measured: (one: LaneSandbox, bytes: number) => void;
}

/** Measures what sandboxes cost: when told to, and those that are not paused every few seconds, with one timer while there are any. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #stopTimer: (() => void) | null = null;
  readonly #measuring = new Set<Promise<void>>();

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Measures one now and sees to it that it is measured again. */
  measure(one: LaneSandbox): void {
    const measuring = one.sandbox
      .privateBytes()
      .then(
        (bytes) => this.#options.measured(one, bytes),
        () => {
          // Its machine is gone, and whoever buries it releases what it had.
        },
      )
      .finally(() => this.#measuring.delete(measuring));
    this.#measuring.add(measuring);
    this.#watch();
  }

  /** Measures nothing more. Resolves when nothing is being measured. */
  async close(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = null;
    await Promise.all(this.#measuring);
  }

  #watch(): void {
    const { clock, measureMs, all } = this.#options;
    this.#stopTimer ??= clock.after(measureMs, () => {
      this.#stopTimer = null;
      for (const one of all()) {
        if (one.sandbox.state === 'paused') this.#watch();
        else this.measure(one);
      }
    });
  }
}
