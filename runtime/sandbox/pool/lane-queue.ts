import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../clock.ts';
import type { LeaveSignal } from '../leave-signal.ts';
import type { Place } from './place.ts';

/** An invocation that waits for a place. */
export interface Waiter {
  readonly since: number;
  /** What the lane had counted when it came; see `LaneSandbox.epoch`. */
  readonly epoch: number;
  readonly give: (place: Place) => void;
}

interface Entry extends Waiter {
  readonly leave: (error: CloudletError) => void;
  readonly forget: () => void;
}

/** What bounds a queue. */
export interface QueueOptions {
  readonly clock: Clock;
  readonly queueLength: number;
  readonly queueMs: number;
  /** Seconds after which one who is sent away may come again. */
  readonly retryAfterS: () => number;
  /** Whether there is no sandbox yet, but one on its way. */
  readonly isFirstStarting: () => boolean;
}

/** Invocations of one version that wait for a place: first come, first served, so many and so long. One timer for all of them. */
export class LaneQueue {
  readonly #options: QueueOptions;
  #entries: Entry[] = [];
  #stopTimer: (() => void) | null = null;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** When the first of those who wait came, by the clock. */
  get oldestSince(): number | null {
    return this.#entries[0]?.since ?? null;
  }

  /** Waits for a place. `at-capacity` when too many do or it takes too long, `starting` when the first sandbox does, `client-closed` when the caller leaves. */
  wait(epoch: number, signal?: LeaveSignal): Promise<Place> {
    const { clock, queueLength } = this.#options;
    if (this.#entries.length >= queueLength) {
      return Promise.reject(
        this.#atCapacity(`${this.#entries.length} invocations of this function wait already, which is the limit`),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Place>();
    const left = () => this.#remove(entry, gone());
    signal?.addEventListener('abort', left, { once: true });
    const entry: Entry = {
      since: clock.now(),
      epoch,
      give: resolve,
      leave: reject,
      forget: () => signal?.removeEventListener('abort', left),
    };
    this.#entries.push(entry);
    this.#watch();
    return promise;
  }

  /** Takes the first out; whoever takes it gives it a place. */
  shift(): Waiter | undefined {
    const entry = this.#entries.shift();
    entry?.forget();
    return entry;
  }

  /** Sends everyone away who waits. */
  rejectAll(error: CloudletError): void {
    for (const entry of [...this.#entries]) this.#remove(entry, error);
  }

  #remove(entry: Entry, error: CloudletError): void {
    this.#entries = this.#entries.filter((each) => each !== entry);
    entry.forget();
    entry.leave(error);
  }

  /** All wait equally long, so the first to come is the first whose time is over. */
  #watch(): void {
    const first = this.#entries[0];
    if (first === undefined || this.#stopTimer !== null) return;
    const { clock, queueMs } = this.#options;
    this.#stopTimer = clock.after(first.since + queueMs - clock.now(), () => {
      this.#stopTimer = null;
      for (const entry of [...this.#entries]) {
        if (entry.since + queueMs > clock.now()) break;
        this.#remove(entry, this.#tooLate(queueMs));
      }
      this.#watch();
    });
  }

  /** A machine that takes long to start is no lack of capacity: whoever is told so would look for one with more. */
  #tooLate(queueMs: number): CloudletError {
    if (!this.#options.isFirstStarting()) return this.#atCapacity(`no sandbox was free within ${queueMs} ms`);
    return this.#again(
      'starting',
      `the function's first sandbox did not start within ${queueMs} ms, and goes on starting`,
    );
  }

  #atCapacity(what: string): CloudletError {
    return this.#again('at-capacity', what);
  }

  #again(code: 'at-capacity' | 'starting', what: string): CloudletError {
    const retryAfterS = this.#options.retryAfterS();
    return new CloudletError(code, `${what}; try again in ${retryAfterS} s`, { retryAfterS });
  }
}

/** What a caller is told who left before its invocation began. */
export function gone(): CloudletError {
  return new CloudletError('client-closed', 'the caller left before the invocation began');
}

/** What a caller is told whose version went while it waited. */
export function removed(): CloudletError {
  return new CloudletError('version-unknown', 'this version of the function was removed');
}
