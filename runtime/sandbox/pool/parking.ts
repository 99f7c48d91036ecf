import type { Clock } from '../clock.ts';
import type { LaneSandbox } from './lane-sandbox.ts';

/** What becomes of sandboxes that nobody uses. */
export interface ParkingOptions {
  readonly clock: Clock;
  readonly parkMs: number;
  readonly idleMs: number;
  /** Whether one is worth its memory although nobody used it for long. */
  readonly keeps: (one: LaneSandbox) => boolean;
  /** One was paused. */
  readonly parked: (one: LaneSandbox) => void;
  /** One was unused for long. */
  readonly expired: (one: LaneSandbox) => void;
}

/** Pauses sandboxes that are unused for a moment and gives up those unused for long. At most one timer each, none for each call. */
export class Parking {
  readonly #options: ParkingOptions;
  readonly #timers = new Map<LaneSandbox, { readonly at: number; readonly stop: () => void }>();

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  /** One is unused now. */
  watch(one: LaneSandbox): void {
    const { clock, parkMs, idleMs } = this.#options;
    const unusedMs = clock.now() - one.lastUsedAt;
    const nextMs = one.sandbox.state === 'ready' ? Math.min(parkMs, idleMs) : idleMs;
    // Used meanwhile, it is looked at again when its time may have come; an expired one that is kept, after another idle time.
    const dueMs = nextMs > unusedMs ? nextMs - unusedMs : idleMs;
    const at = clock.now() + dueMs;
    const known = this.#timers.get(one);
    if (known !== undefined && known.at <= at) return;
    known?.stop();
    const stop = clock.after(dueMs, () => {
      this.#timers.delete(one);
      this.#look(one);
    });
    this.#timers.set(one, { at, stop });
  }

  /** Pauses one at once. */
  park(one: LaneSandbox): void {
    if (one.sandbox.state !== 'ready' || !one.isUnused) return;
    one.sandbox.pause().then(() => {
      if (one.isParked) this.#options.parked(one);
    });
    this.watch(one);
  }

  /** One is gone. */
  forget(one: LaneSandbox): void {
    this.#timers.get(one)?.stop();
    this.#timers.delete(one);
  }

  #look(one: LaneSandbox): void {
    // In use, or gone: whoever leaves it last has it watched again.
    if (!one.isUnused) return;
    const { clock, parkMs, idleMs, keeps, expired } = this.#options;
    const unusedMs = clock.now() - one.lastUsedAt;
    if (unusedMs >= idleMs && !keeps(one)) expired(one);
    else if (unusedMs >= parkMs && one.sandbox.state === 'ready') this.park(one);
    else this.watch(one);
  }
}
