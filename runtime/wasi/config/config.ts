import type { ContextSeat } from '../context.ts';

/** The interface of `wasi:config`, draft 0.2.0-rc.1: what the function was granted. It never fails: the values are at hand. */
export function configInterfaces(seat: ContextSeat) {
  return {
    'wasi:config/store': {
      get: (key: string): string | undefined => seat.context.backend.configuration.find(([name]) => name === key)?.[1],
      getAll: (): readonly (readonly [string, string])[] => seat.context.backend.configuration,
    },
  };
}
