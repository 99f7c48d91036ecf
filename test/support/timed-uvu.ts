/**
 * Takes the place of `uvu` when cases are timed: the same suites, which note how long each case and each `before` took.
 */
import { type Callback, type Context, type Test, suite as untimed } from 'uvu';
import type { CaseTime } from './run-file.ts';

const times = (globalThis as unknown as { CASE_TIMES: CaseTime[] }).CASE_TIMES;

/** A suite whose cases are timed. */
export function suite<T = Context>(name?: string, context?: T): Test<T> {
  const made = untimed<T>(name, context);
  const add = (test: string, handler: Callback<T>) => made(test, timed(test, handler));
  const before = Object.assign((handler: Callback<T>) => made.before(timed(`before ${name}`, handler)), {
    each: made.before.each,
  });
  return Object.assign(add, { ...made, before });
}

function timed<T>(name: string, handler: Callback<T>): Callback<T> {
  return async (context) => {
    const started = performance.now();
    try {
      await handler(context);
    } finally {
      times.push({ name, seconds: (performance.now() - started) / 1000 });
    }
  };
}
