import { FUEL, type FuelGauge, GuestInterrupted } from '../fuel.ts';
import type { SharedCpuTime } from './shared-cpu-time.ts';

/**
 * How long an instance may go on without a turn of the event loop after the time of one of its invocations is over, milliseconds: nobody can
 * tell for whom it computes. Less than the serving thread waits before it ends the worker.
 */
const GRACE_MS = 50;

/** Decides at every checkpoint of an instance that serves several invocations whether its guest may go on. Once it may not, it never may again. */
export class SharedFuel {
  readonly #running = new Set<FuelGauge>();
  /** Since when it computes although it should not; null when it should. */
  #since: number | null = null;
  #over = false;
  readonly #cpuTime: SharedCpuTime;
  readonly #now: () => number;

  /** `cpuTime` is that of the worker; `now` gives milliseconds that never go back. */
  constructor(cpuTime: SharedCpuTime, now: () => number = () => performance.now()) {
    this.#cpuTime = cpuTime;
    this.#now = now;
  }

  /** Whether the guest was ended. */
  get over(): boolean {
    return this.#over;
  }

  /** An invocation begins. */
  join(gauge: FuelGauge): void {
    this.#cpuTime.enter();
    this.#running.add(gauge);
    this.#since = null;
  }

  /** An invocation is over: the event loop has had its turn. */
  leave(gauge: FuelGauge): void {
    if (this.#running.delete(gauge)) this.#cpuTime.leave();
    this.#since = null;
  }

  /** The instance serves nobody any more: what is left of its guest ends at its next checkpoint. */
  end(): void {
    this.#over = true;
  }

  /** The next ration of fuel; throws when there is none. */
  readonly checkpoint = (): bigint => {
    if (!this.#over && !this.#mayGoOn()) this.#over = true;
    if (this.#over) throw new GuestInterrupted('the instance has ended');
    return FUEL;
  };

  #mayGoOn(): boolean {
    let ended = 0;
    for (const gauge of this.#running) {
      try {
        gauge.checkpoint();
      } catch {
        ended += 1;
      }
    }
    if (ended === 0 && this.#running.size > 0) {
      this.#since = null;
      return true;
    }
    if (ended > 0 && ended === this.#running.size) return false;
    // Some of those it serves are to end, or it serves nobody and tidies up.
    const now = this.#now();
    this.#since ??= now;
    return now - this.#since <= GRACE_MS;
  }
}
