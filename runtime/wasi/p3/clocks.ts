import { Alarm } from '../clocks/clocks.ts';
import { datetimeOf } from '../clocks/datetime.ts';
import type { ContextSeat } from '../context.ts';

const MAX_MARK = 2n ** 64n - 1n;

/** The interfaces of `wasi:clocks` in WASI 0.3. */
export function clockInterfaces3(seat: ContextSeat) {
  const clock = () => seat.context.backend.clock;
  const until = async (mark: bigint): Promise<void> => {
    const { context } = seat;
    const alarm = new Alarm(context.backend.clock, mark);
    if (alarm.ready) return;
    // It costs a timer of the host's, which is not given back when the guest loses interest: nobody tells.
    context.retain();
    try {
      await context.untilAny([alarm]);
    } finally {
      context.release();
    }
  };
  return {
    'wasi:clocks/monotonic-clock@0.3': {
      now: () => clock().monotonicNs(),
      getResolution: () => 1000n,
      waitUntil: until,
      waitFor(durationNs: bigint): Promise<void> {
        const mark = clock().monotonicNs() + durationNs;
        return until(mark > MAX_MARK ? MAX_MARK : mark);
      },
    },
    'wasi:clocks/system-clock@0.3': {
      now: () => datetimeOf(clock().wallMs()),
      getResolution: () => 1_000_000n,
    },
    'wasi:clocks/types@0.3': {},
  };
}
