import { CloudletError, LogLine } from '../protocol/index.ts';
import { readEvents } from './event-lines.ts';
import { isAway, PATIENCE_MS, type Wait, waited } from './patience.ts';
import type { HostAddress } from './request.ts';

/** What is read of a function's log. */
export interface LogOptions {
  /** Goes on with the lines to come: over connections that break and hosts that start again, until the function is removed. */
  readonly follow?: boolean;
  /** Only lines after the one of this `seq`. */
  readonly after?: number | undefined;
  /** Only lines of this version. */
  readonly version?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a host says when whose log it was is no more. */
const GONE: ReadonlySet<string> = new Set(['function-unknown', 'service-unknown']);

/** The lines of a log. Who follows is let in again, after the last line that it got, unless the first time fails. */
export async function* logLines(
  host: HostAddress,
  path: string,
  { follow = false, after, version, signal }: LogOptions,
  wait: Wait = waited,
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
        if (version === undefined || line.version === version) yield line;
      }
      if (!follow) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!follow || !isKnown) throw error;
      if (error instanceof CloudletError && GONE.has(error.code)) return;
      if (!isAway(error) || away === PATIENCE_MS.length) throw error;
    }
    await wait(PATIENCE_MS[Math.min(away, PATIENCE_MS.length - 1)]!, signal);
    away += 1;
  }
}
