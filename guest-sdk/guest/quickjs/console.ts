import wasiStderr from 'wasi:cli/stderr@0.2.12';
import wasiStdout from 'wasi:cli/stdout@0.2.12';
import type { OutputStream } from 'wasi:io/streams@0.2.12';

/** What one blocking write may carry, by the rules of wasi:io. */
const MAX_WRITE_BYTES = 4096;

/** The function's log: `log`, `info` and `debug` go to standard output, `warn` and `error` to standard error. */
export const console = {
  log: (...values: unknown[]) => write(wasiStdout.getStdout(), values),
  info: (...values: unknown[]) => write(wasiStdout.getStdout(), values),
  debug: (...values: unknown[]) => write(wasiStdout.getStdout(), values),
  warn: (...values: unknown[]) => write(wasiStderr.getStderr(), values),
  error: (...values: unknown[]) => write(wasiStderr.getStderr(), values),
};

function write(stream: OutputStream, values: readonly unknown[]): void {
  const bytes = new TextEncoder().encode(`${values.map(show).join(' ')}\n`);
  try {
    for (let at = 0; at < bytes.length; at += MAX_WRITE_BYTES) {
      stream.blockingWriteAndFlush(bytes.subarray(at, at + MAX_WRITE_BYTES));
    }
  } catch {
    // A log that is full or closed must not fail the function.
  } finally {
    stream[Symbol.dispose]();
  }
}

/** A value as a person reads it. */
function show(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return `${value.name}: ${messageOf(value)}\n${value.stack ?? ''}`.trimEnd();
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Circular, or with a 64-bit integer inside.
    return String(value);
  }
}

/** The engine throws a WIT error as an `Error` that says "[object Object]", with what happened in its `payload`. */
function messageOf(error: Error): string {
  const payload = 'payload' in error && typeof error.payload === 'object' ? error.payload : null;
  return payload === null ? error.message : show(payload);
}
