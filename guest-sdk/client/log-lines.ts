import { CloudletError, LogLine } from '../protocol/index.ts';
import { readEvents } from './event-lines.ts';
import type { HostAddress } from './request.ts';

/** What is read of a function's log. */
export interface LogOptions {
  /** Goes on with the lines to come: over connections that break and hosts that start again, until the function is removed. */
  readonly follow?: boolean;
  /** Only lines after the one of this `seq`. */
  readonly after?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How long a follower waits for its host, each time that it is not there, milliseconds: half a minute together. */
export const PATIENCE_MS: readonly number[] = [250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000];

/** What a host says that is not there, or not yet, or not for long. */
const AWAY: ReadonlySet<string> = new Set(['network-unavailable', 'starting', 'draining']);

/** The lines of a log. Who follows is let in again, after the last line that it got, unless the first time fails. */
export async function* logLines(
  host: HostAddress,
  path: string,
  { follow = false, after, signal }: LogOptions,
  wait: (ms: number, signal: AbortSignal | undefined) => Promise<void> = waited,
): AsyncGenerator<LogLine> {
  let last = after;
  let isKnown = false;
  let away = 0;
  for (;;) {
    try {
      const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': String(last) };
      const response = await host.send({ path: `${path}?follow=${follow}`, headers, signal });
      isKnown = true;
      for await (const { data } of readEvents(response.body)) {
        const line = host.parse(LogLine, data, path);
        last = line.seq;
        away = 0;
        yield line;
      }
      if (!follow) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!follow || !isKnown) throw error;
      if (error instanceof CloudletError && error.code === 'function-unknown') return;
      // What is no error of ours is the platform's way to say that a connection broke.
      if ((error instanceof CloudletError && !AWAY.has(error.code)) || away === PATIENCE_MS.length) throw error;
    }
    await wait(PATIENCE_MS[Math.min(away, PATIENCE_MS.length - 1)]!, signal);
    away += 1;
  }
}

function waited(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
