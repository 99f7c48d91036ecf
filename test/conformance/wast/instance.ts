import { ExportError } from './value.ts';

/** An instance of a script. A trap ends it: nothing in it can be called any more. */
export interface Instance {
  /** The export, or undefined when there is none. */
  find(name: string): ((...args: unknown[]) => unknown) | undefined;
  /** The script is over: nothing of it goes on. */
  end?(): void;
}

/** An instance that is dead after its first trap, as an agent throws one away. */
export function poisonable(lookUp: (name: string) => unknown): Instance {
  let trapped = false;
  return {
    find(name) {
      const found = lookUp(name);
      if (typeof found !== 'function') return undefined;
      return (...args) => {
        if (trapped) throw new WebAssembly.RuntimeError('the instance has trapped before');
        try {
          return (found as (...given: unknown[]) => unknown)(...args);
        } catch (error) {
          const typed = exportErrorOf(error);
          if (typed !== null) return typed;
          trapped = true;
          throw error;
        }
      };
    },
  };
}

/** The typed error that the glue threw for the `err` of a result; null for a trap. */
export function exportErrorOf(thrown: unknown): ExportError | null {
  if (!(thrown instanceof Error) || !Object.hasOwn(thrown, 'payload')) return null;
  return new ExportError((thrown as Error & { payload: unknown }).payload);
}
