import type { WasiClock } from '../backend.ts';
import type { ContextSeat, Readiness } from '../context.ts';
import { Pollable } from '../io/pollable.ts';
import { datetimeOf } from './datetime.ts';

const MAX_INSTANT = 2n ** 64n - 1n;

/** The interfaces of `wasi:clocks`. */
export function clockInterfaces(seat: ContextSeat) {
  const clock = () => seat.context.backend.clock;
  const at = (instantNs: bigint) => new Pollable(seat.context, new Alarm(clock(), instantNs));
  return {
    'wasi:clocks/monotonic-clock': {
      now: () => seat.context.backend.clock.monotonicNs(),
      resolution: () => 1000n,
      subscribeInstant: at,
      subscribeDuration(durationNs: bigint) {
        const instantNs = clock().monotonicNs() + durationNs;
        return at(instantNs > MAX_INSTANT ? MAX_INSTANT : instantNs);
      },
    },
    'wasi:clocks/wall-clock': {
      now: () => datetimeOf(clock().wallMs()),
      resolution: () => ({ seconds: 0n, nanoseconds: 1_000_000 }),
    },
  };
}

/** Ready from an instant on. A host timer exists only while the guest waits. */
export class Alarm implements Readiness {
  readonly #clock: WasiClock;
  readonly #instantNs: bigint;

  constructor(clock: WasiClock, instantNs: bigint) {
    this.#clock = clock;
    this.#instantNs = instantNs;
  }

  get ready(): boolean {
    return this.#clock.monotonicNs() >= this.#instantNs;
  }

  listen(wake: () => void): () => void {
    const leftNs = this.#instantNs - this.#clock.monotonicNs();
    return this.#clock.timer(leftNs > 0n ? leftNs : 0n, wake);
  }
}
