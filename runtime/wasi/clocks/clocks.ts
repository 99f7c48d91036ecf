import type { Context, Readiness } from '../context.ts';
import { Pollable } from '../io/pollable.ts';
import { datetimeOf } from './datetime.ts';

const MAX_INSTANT = 2n ** 64n - 1n;

/** The interfaces of `wasi:clocks`. */
export function clockInterfaces(context: Context) {
  const { clock } = context.backend;
  const at = (instantNs: bigint) => new Pollable(context, alarm(context, instantNs));
  return {
    'wasi:clocks/monotonic-clock': {
      now: () => clock.monotonicNs(),
      resolution: () => 1000n,
      subscribeInstant: at,
      subscribeDuration(durationNs: bigint) {
        const instantNs = clock.monotonicNs() + durationNs;
        return at(instantNs > MAX_INSTANT ? MAX_INSTANT : instantNs);
      },
    },
    'wasi:clocks/wall-clock': {
      now: () => datetimeOf(clock.wallMs()),
      resolution: () => ({ seconds: 0n, nanoseconds: 1_000_000 }),
    },
  };
}

/** Ready from an instant on. A host timer exists only while the guest waits. */
function alarm(context: Context, instantNs: bigint): Readiness {
  const { clock } = context.backend;
  return {
    get ready() {
      return clock.monotonicNs() >= instantNs;
    },
    listen(wake) {
      const leftNs = instantNs - clock.monotonicNs();
      return clock.timer(leftNs > 0n ? leftNs : 0n, wake);
    },
  };
}
