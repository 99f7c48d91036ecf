import type { ContextSeat } from '../context.ts';

/** The interface of `wasi:config`, draft 0.2.0-rc.1: what the function was granted. It never fails: the values are at hand. */
export function configInterfaces(seat: ContextSeat) {
  return {
    'wasi:config/store': {
      get(key: string): string | undefined {
        const { use, configuration } = seat.context.backend;
        const value = configuration.find(([name]) => name === key)?.[1];
        use?.configuration(key, value !== undefined);
        return value;
      },
      getAll(): readonly (readonly [string, string])[] {
        const { use, configuration } = seat.context.backend;
        use?.configuration(null, true);
        return configuration;
      },
    },
  };
}
