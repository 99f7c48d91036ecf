import { CloudletError } from './errors.ts';

declare const nameBrand: unique symbol;

/** The name of a function: `[a-z][a-z0-9-]{0,62}`. */
export type FunctionName = string & { readonly [nameBrand]: true };

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** Reads a function name that came from outside. */
export function parseName(text: string): FunctionName {
  if (!NAME.test(text)) {
    throw new CloudletError(
      'request-invalid',
      `expected a name of 1 to 63 characters, lower-case letters, digits and "-", starting with a letter, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return text as FunctionName;
}
