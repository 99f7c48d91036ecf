/**
 * Takes the place of `uvu`: the same suites, which note how long each case and each `before` took, and say why a `before` or an `after` failed. uvu 0.5.6 returns
 * from a `finally` and so loses what they throw.
 */
import { inspect } from 'node:util';
import { type Callback, type Context, type Test, suite as untimed } from 'uvu';
import type { CaseTime } from './run-file.ts';

const times = (globalThis as unknown as { CASE_TIMES: CaseTime[] }).CASE_TIMES;

/** A suite that is watched. */
export function suite<T = Context>(name?: string, context?: T): Test<T> {
  const made = untimed<T>(name, context);
  const add = (test: string, handler: Callback<T>) => made(test, timed(test, handler));
  const hook = (which: 'before' | 'after') =>
    Object.assign((handler: Callback<T>) => made[which](timed(`${which} ${name}`, said(which, handler))), {
      each: made[which].each,
    });
  return Object.assign(add, { ...made, before: hook('before'), after: hook('after') });
}

function said<T>(which: string, handler: Callback<T>): Callback<T> {
  return async (context) => {
    try {
      await handler(context);
    } catch (error) {
      process.stdout.write(`\n  ${which} failed: ${inspect(error)}\n`);
      throw error;
    }
  };
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
