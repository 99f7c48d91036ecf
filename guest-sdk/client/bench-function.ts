import { asCloudletError } from '../protocol/index.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** How a function is measured. */
export interface BenchOptions {
  /** One call; gives what `Server-Timing` said of it. Its failure is counted by its code. */
  readonly call: (signal: AbortSignal) => Promise<string | null>;
  /** Calls at once; with a rate the most that may be. */
  readonly concurrency: number;
  /** Calls begun in a second, whether or not those before have ended; as fast as it goes when left out. */
  readonly callsPerSecond?: number;
  /** It ends after so many calls, or so long, milliseconds, whichever comes first. */
  readonly calls?: number;
  readonly durationMs?: number;
  /** Ends it early: what was measured is given all the same. */
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** What was measured. */
export interface BenchResult {
  readonly calls: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** Of calls that succeeded. With a rate a call's time begins when it was due, so that one that waits for others counts its waiting. */
  readonly latency: LatencyHistogram;
  /** How often calls had each rung of the start ladder. */
  readonly rungs: Readonly<Record<string, number>>;
}

/** Calls a function again and again and tells how long it took. */
export async function benchFunction(options: BenchOptions): Promise<BenchResult> {
  const {
    call,
    concurrency,
    callsPerSecond,
    calls = Number.POSITIVE_INFINITY,
    durationMs = Number.POSITIVE_INFINITY,
  } = options;
  const now = options.now ?? (() => performance.now());
  const latency = new LatencyHistogram();
  const errors: Record<string, number> = {};
  const rungs: Record<string, number> = {};
  const beganAt = now();
  let begun = 0;
  const dueAt = (index: number): number =>
    callsPerSecond === undefined ? now() : beganAt + (index * 1000) / callsPerSecond;
  const worker = async (): Promise<void> => {
    for (;;) {
      if (options.signal.aborted || begun >= calls) return;
      const due = dueAt(begun);
      // What is due and was never begun is not waited for: a rate that cannot be had would have no end.
      if (Math.max(due, now()) - beganAt >= durationMs) return;
      begun += 1;
      if (due > now()) await sleepUntil(due, now, options.signal);
      if (options.signal.aborted) return;
      try {
        const timing = await call(options.signal);
        latency.add(now() - due);
        const rung = /start;[^,]*desc="?([\w-]+)/.exec(timing ?? '')?.[1];
        if (rung !== undefined) rungs[rung] = (rungs[rung] ?? 0) + 1;
      } catch (error) {
        if (options.signal.aborted) return;
        const { code } = asCloudletError(error);
        errors[code] = (errors[code] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (now() - beganAt) / 1000;
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const done = latency.count + failed;
  return { calls: done, errors, seconds, callsPerSecond: done / Math.max(seconds, 1e-9), latency, rungs };
}

function sleepUntil(due: number, now: () => number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, Math.max(0, due - now()));
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end, { once: true });
  });
}
