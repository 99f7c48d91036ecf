import { DISPOSE } from '../dispose.ts';
import type { Pollable } from '../io/pollable.ts';
import { errnoOf, failWith } from './errno.ts';
import type { ProcessState } from './process-state.ts';
import { nanosecondsOf } from './system-calls.ts';

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const EVENT = { clock: 0, read: 1, write: 2 } as const;
const CLOCK = { realtime: 0, monotonic: 1 } as const;
const ABSOLUTE = 1;
const HANGUP = 1;

/** One thing that the guest waits for. */
interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** Null: it has an answer already. */
  readonly pollable: Pollable | null;
  readonly event: () => { readonly errno: number; readonly bytes: bigint; readonly flags: number };
}

/** `poll_oneoff`: waits for clocks, and for files that can be read or written. */
export function pollCall(state: ProcessState) {
  return {
    poll_oneoff(list: number, out: number, asked: number, at: number): void | Promise<void> {
      const count = asked >>> 0;
      if (count === 0) return failWith('inval');
      // Both places first: what does not lie in the memory need not be waited for.
      state.memory.bytes(list, count * SUBSCRIPTION_BYTES);
      state.memory.bytes(out, count * EVENT_BYTES);
      const subscriptions: Subscription[] = [];
      const release = () => {
        for (const { pollable } of subscriptions) pollable?.[DISPOSE]();
      };
      const answer = (ready: ReadonlySet<Subscription>): void => {
        const events = subscriptions.filter((each) => each.pollable === null || ready.has(each));
        for (const [index, each] of events.entries()) writeEvent(state, (out >>> 0) + index * EVENT_BYTES, each);
        state.memory.setU32(at, events.length);
      };
      let later: Promise<void> | null = null;
      try {
        for (let index = 0; index < count; index += 1)
          subscriptions.push(subscribe(state, (list >>> 0) + index * SUBSCRIPTION_BYTES));
        const waiting = subscriptions.filter((each) => each.pollable !== null);
        if (waiting.length < subscriptions.length)
          return answer(new Set(waiting.filter((each) => each.pollable!.ready())));
        const chosen = (ready: Uint32Array) => new Set([...ready].map((index) => waiting[index]!));
        const ready = state.system['wasi:io/poll'].poll(waiting.map((each) => each.pollable!));
        if (!(ready instanceof Promise)) return answer(chosen(ready));
        later = ready.then((indexes) => answer(chosen(indexes))).finally(release);
        return later;
      } finally {
        if (later === null) release();
      }
    },
  };
}

function subscribe(state: ProcessState, at: number): Subscription {
  const userdata = state.memory.u64(at);
  const type = state.memory.u8(at + 8);
  if (type === EVENT.clock) {
    const pollable = alarm(state, at + 16);
    return { userdata, type, pollable, event: () => ({ errno: 0, bytes: 0n, flags: 0 }) };
  }
  if (type !== EVENT.read && type !== EVENT.write) return failWith('inval');
  try {
    return { userdata, type, ...subscribeFile(state, state.memory.u32(at + 16), type) };
  } catch (error) {
    // A file that cannot be waited for is an event of its own, so that the others are still told.
    const errno = errnoOf(error);
    return { userdata, type, pollable: null, event: () => ({ errno, bytes: 0n, flags: 0 }) };
  }
}

function subscribeFile(state: ProcessState, fd: number, type: number): Pick<Subscription, 'pollable' | 'event'> {
  const file = state.files.get(fd);
  const plain = () => ({ errno: 0, bytes: 1n, flags: 0 });
  if (file.kind === 'input' && type === EVENT.read) return { pollable: file.stream.subscribe(), event: plain };
  if (file.kind === 'output' && type === EVENT.write) return { pollable: file.stream.subscribe(), event: plain };
  if (file.kind !== 'file') return failWith('badf');
  if (type === EVENT.write) return { pollable: null, event: plain };
  const left = file.descriptor.stat().size - file.position;
  const bytes = left > 0n ? left : 0n;
  return { pollable: null, event: () => ({ errno: 0, bytes, flags: bytes === 0n ? HANGUP : 0 }) };
}

function alarm(state: ProcessState, at: number): Pollable {
  const { memory, system } = state;
  const monotonic = system['wasi:clocks/monotonic-clock'];
  const clock = memory.u32(at);
  const timeout = memory.u64(at + 8);
  const absolute = (memory.u16(at + 24) & ABSOLUTE) !== 0;
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) failWith('inval');
  if (!absolute) return monotonic.subscribeDuration(timeout);
  if (clock === CLOCK.monotonic) return monotonic.subscribeInstant(timeout);
  const left = timeout - nanosecondsOf(system['wasi:clocks/wall-clock'].now());
  return monotonic.subscribeDuration(left > 0n ? left : 0n);
}

function writeEvent(state: ProcessState, at: number, { userdata, type, event }: Subscription): void {
  const { errno, bytes, flags } = event();
  state.memory.bytes(at, EVENT_BYTES).fill(0);
  state.memory.setU64(at, userdata);
  state.memory.setU16(at + 8, errno);
  state.memory.setU8(at + 10, type);
  state.memory.setU64(at + 16, bytes);
  state.memory.setU16(at + 24, flags);
}
