import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** The command was used wrongly: exit status 2. The message says what was expected. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Runs a parser of the protocol or the configuration over what a person typed: what it refuses is wrong use. */
export function typed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CloudletError && error.code === 'request-invalid') {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}
