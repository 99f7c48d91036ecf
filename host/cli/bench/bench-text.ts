import type { BenchResult } from '../../../guest-sdk/client/index.ts';

/** Shares of calls whose time is told. */
const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999 } as const;
const ROWS = 16;
const BAR = 40;

/** A result as JSON: milliseconds. */
export function benchJson(
  name: string,
  { calls, errors, seconds, callsPerSecond, latency, rungs }: BenchResult,
): object {
  const shares = Object.entries(SHARES).map(([label, share]) => [label, rounded(latency.percentile(share))]);
  const latencyMs = { mean: rounded(latency.mean), ...Object.fromEntries(shares), max: rounded(latency.max) };
  const histogram = latency.rows(ROWS).map(({ upToMs, count }) => ({ upToMs: rounded(upToMs), count }));
  return {
    name,
    calls,
    errors,
    seconds: rounded(seconds),
    callsPerSecond: rounded(callsPerSecond),
    latencyMs,
    rungs,
    histogram,
  };
}

/** A result for people: figures, a histogram, what failed. */
export function benchText(result: BenchResult): string {
  const { calls, errors, seconds, callsPerSecond, latency, rungs } = result;
  const figures = Object.entries(SHARES).map(([label, share]) => `${label} ${formatMs(latency.percentile(share))}`);
  const rows = latency.rows(ROWS);
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const bars = rows.map(({ upToMs, count }) => {
    const bar = '█'.repeat(Math.max(count > 0 ? 1 : 0, Math.round((count / most) * BAR)));
    return `  ≤ ${formatMs(upToMs).padStart(8)} ${String(count).padStart(7)} ${bar}`.trimEnd();
  });
  return [
    `${calls} calls in ${seconds.toFixed(1)} s: ${callsPerSecond.toFixed(1)} a second`,
    ...(latency.count === 0 ? [] : [`${figures.join(' · ')} · max ${formatMs(latency.max)}`, ...bars]),
    ...counted('starts', rungs),
    ...counted('errors', errors),
  ].join('\n');
}

function counted(label: string, counts: Readonly<Record<string, number>>): string[] {
  const words = Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count}`);
  return words.length === 0 ? [] : [`${label}: ${words.join(' · ')}`];
}

function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(3))} ms`;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
