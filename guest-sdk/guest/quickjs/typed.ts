import type { ErrorForm } from '../error-form.ts';
import { runToEnd } from './event-loop.ts';

/** Makes a WIT export of a function that may be async, and that may throw an `Error` where the WIT has `result<…, string>`. */
export function typed(work: (...args: unknown[]) => unknown, errors: ErrorForm): (...args: unknown[]) => unknown {
  return (...args) => {
    try {
      return runToEnd(() => work(...args));
    } catch (error) {
      if (error instanceof Error && errors === 'string') throw error.message;
      if (error instanceof Error) console.error(error);
      throw error;
    }
  };
}
