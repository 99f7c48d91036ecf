import { failWith } from './errno.ts';
import { textBytes } from './guest-memory.ts';
import type { ProcessState } from './process-state.ts';
import { nanosecondsOf } from './system-calls.ts';

const CLOCK = { realtime: 0, monotonic: 1 } as const;

/** Random bytes that are made at a time: WASI 0.2 has a limit for one call, WASI 0.1 asks for a whole buffer. */
const RANDOM_BYTES = 64 * 1024;

/** Arguments, environment, clocks, randomness, and the end. */
export function processCalls(state: ProcessState) {
  const { system } = state;
  const environment = () => system['wasi:cli/environment'].getEnvironment().map(([name, value]) => `${name}=${value}`);
  const programArguments = () => system['wasi:cli/environment'].getArguments();
  const sizes = (texts: readonly string[], countAt: number, bytesAt: number): void => {
    state.memory.setU32(countAt, texts.length);
    state.memory.setU32(bytesAt, textBytes(texts));
  };
  return {
    args_get: (table: number, room: number) => state.memory.setTexts(table, room, programArguments()),
    args_sizes_get: (countAt: number, bytesAt: number) => sizes(programArguments(), countAt, bytesAt),
    environ_get: (table: number, room: number) => state.memory.setTexts(table, room, environment()),
    environ_sizes_get: (countAt: number, bytesAt: number) => sizes(environment(), countAt, bytesAt),
    clock_res_get(clock: number, at: number): void {
      if (clock === CLOCK.monotonic) state.memory.setU64(at, system['wasi:clocks/monotonic-clock'].resolution());
      else if (clock === CLOCK.realtime)
        state.memory.setU64(at, nanosecondsOf(system['wasi:clocks/wall-clock'].resolution()));
      else failWith('inval');
    },
    clock_time_get(clock: number, _precision: bigint, at: number): void {
      if (clock === CLOCK.monotonic) state.memory.setU64(at, system['wasi:clocks/monotonic-clock'].now());
      else if (clock === CLOCK.realtime) state.memory.setU64(at, nanosecondsOf(system['wasi:clocks/wall-clock'].now()));
      else failWith('inval');
    },
    random_get(at: number, length: number): void {
      // The place first: a length that lies outside of the memory must not be made.
      const room = state.memory.bytes(at, length);
      for (let done = 0; done < room.length; done += RANDOM_BYTES) {
        const part = room.subarray(done, done + RANDOM_BYTES);
        part.set(system['wasi:random/random'].getRandomBytes(BigInt(part.length)));
      }
    },
    sched_yield(): void {},
    proc_exit: (status: number) => system['wasi:cli/exit'].exitWithCode(status & 0xff),
    proc_raise: () => failWith('notsup'),
  };
}
