import type { LogLevel } from '../backend.ts';
import type { ContextSeat } from '../context.ts';

/** The interface of `wasi:logging`, draft 0.1.0. It never fails and never waits: what the log does not take is dropped there. */
export function loggingInterfaces(seat: ContextSeat) {
  return {
    'wasi:logging/logging': {
      log: (level: LogLevel, context: string, message: string): void =>
        seat.context.backend.log(level, context, message),
    },
  };
}
