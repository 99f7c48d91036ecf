import type { ErrorForm } from '../error-form.ts';
import { errorText } from '../error-text.ts';

/** Makes a WIT export of a function that may throw an `Error` where the WIT has `result<…, string>`. The engine itself awaits promises. */
export function typed(work: (...args: unknown[]) => unknown, errors: ErrorForm): (...args: unknown[]) => unknown {
  const fail = errors === 'string' ? failAsString : failAsTrap;
  return (...args) => {
    try {
      const result = work(...args);
      return result instanceof Promise ? result.catch(fail) : result;
    } catch (error) {
      return fail(error);
    }
  };
}

/** The engine gives `payload` to the caller. */
function failAsString(error: unknown): never {
  if (error instanceof Error) throw Object.assign(error, { payload: error.message });
  throw error;
}

/** An `Error` without one is a trap, of which the engine says nothing. */
function failAsTrap(error: unknown): never {
  if (error instanceof Error) console.error(errorText(error));
  throw error;
}
