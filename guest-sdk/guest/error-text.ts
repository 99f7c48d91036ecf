/** What was thrown, for the log: an error with its stack, anything else as it prints. */
export function errorText(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return `${error.name}: ${error.message}\n${error.stack ?? ''}`.trimEnd();
}
