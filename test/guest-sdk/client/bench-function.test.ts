import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { benchFunction, LatencyHistogram } from '../../../guest-sdk/client/index.ts';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const bench = suite('a benchmark of a function');
const never = new AbortController().signal;

bench('counts calls, starts and errors by code', async () => {
  let at = 0;
  const call = async () => {
    at += 1;
    if (at % 5 === 0) throw new CloudletError('at-capacity', 'full');
    return `queue;dur=1, start;dur=2;desc="${at === 1 ? 'boot' : 'idle'}", run;dur=3`;
  };
  const result = await benchFunction({ call, concurrency: 3, calls: 20, signal: never });
  assert.equal([result.calls, result.errors, result.rungs], [20, { 'at-capacity': 4 }, { boot: 1, idle: 15 }]);
  assert.is(result.latency.count, 16);
});

bench('at a rate counts what a call waited for those before it', async () => {
  let now = 0;
  const call = async () => {
    now += 100;
    return null;
  };
  const { latency } = await benchFunction({
    call,
    concurrency: 1,
    callsPerSecond: 100,
    calls: 5,
    signal: never,
    now: () => now,
  });
  // Due at 0, 10, … 40; done at 100, 200, … 500.
  assert.is(Math.round(latency.max), 460);
  assert.is(Math.round(latency.mean), 280);
});

bench('ends when its time is over, or it is told to', async () => {
  let now = 0;
  const slow = async () => {
    now += 400;
    return null;
  };
  const timed = await benchFunction({ call: slow, concurrency: 1, durationMs: 1000, signal: never, now: () => now });
  assert.is(timed.calls, 3);
  const controller = new AbortController();
  const stopped = await benchFunction({
    call: async () => {
      controller.abort();
      return null;
    },
    concurrency: 1,
    signal: controller.signal,
  });
  assert.is(stopped.calls, 1);
});

bench.run();

const histogram = suite('a histogram of times');

histogram('gives percentiles within a hundredth, and rows that hold all', () => {
  const times = new LatencyHistogram();
  for (let ms = 1; ms <= 1000; ms += 1) times.add(ms);
  for (const [share, expected] of [
    [0.5, 500],
    [0.9, 900],
    [0.99, 990],
    [1, 1000],
  ] as const) {
    const got = times.percentile(share);
    assert.ok(Math.abs(got - expected) / expected < 0.01, `${share}: ${got}`);
  }
  const rows = times.rows(16);
  assert.ok(rows.length <= 16);
  assert.is(
    rows.reduce((sum, { count }) => sum + count, 0),
    1000,
  );
});

histogram('of nothing, and of nothing but zero', () => {
  const none = new LatencyHistogram();
  assert.equal([none.percentile(0.5), none.max, none.mean, none.rows(4)], [0, 0, 0, []]);
  none.add(0);
  assert.equal([none.percentile(0.99), none.rows(4).length], [0, 1]);
});

histogram('a rate that cannot be had ends when its time is over', async () => {
  let at = 0;
  const call = async () => {
    at += 10;
    return null;
  };
  const { signal } = new AbortController();
  const now = () => at;
  const options = { call, concurrency: 1, callsPerSecond: 1e9, durationMs: 100, calls: 1000, signal, now };
  const { calls } = await benchFunction(options);
  assert.is(calls, 10);
});

histogram.run();
