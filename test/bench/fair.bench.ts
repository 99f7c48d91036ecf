import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import { CloudletUnderTest, median } from './cloudlet-under-test.ts';
import { generator, load } from './load.ts';
import type { Benchmark } from './run.ts';
import { rawRequest } from './server.ts';

/** Callers of the function that bursts; the other has one. */
const BURST_CALLERS = 20;
const BURST_MS = 8_000;
/** Calls of the other function are this far apart, so that those alone and those beside the burst are equally many. */
const EVERY_MS = 40;
const CALLS = 150;
const WARM_CALLS = 10;

const ARGUMENTS = new Uint8Array(new Packr({ useRecords: false }).pack([40, 2]));

/** How long calls of the other function take, milliseconds, sorted. */
async function calls(host: CloudletUnderTest): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    const started = performance.now();
    await host.call('typed', 'add', ARGUMENTS);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY_MS - (performance.now() - started))));
  }
  return times.sort((a, b) => a - b);
}

const p99 = (times: readonly number[]): number => times[Math.floor(times.length * 0.99)]!;

async function measure(kind: 'process' | 'microvm', scratch: string) {
  await generator();
  const host = await CloudletUnderTest.start(kind, join(scratch, kind), ['typed', 'hello-http']);
  try {
    const { authorization, server } = host;
    for (let call = 0; call < WARM_CALLS; call++) await host.call('typed', 'add', ARGUMENTS);
    await fetch(`http://127.0.0.1:${server.port}/f/hello-http/`, { headers: { authorization } });
    const alone = await calls(host);
    const options = { port: server.port, connections: BURST_CALLERS, warmupMs: 1000, durationMs: BURST_MS };
    const burst = load(options, rawRequest('GET', '/f/hello-http/', server.port, { authorization }));
    burst.catch(() => {
      // Seen when it is awaited.
    });
    const beside = await calls(host);
    return { accelerator: host.accelerator, alone, beside, burst: await burst };
  } finally {
    await host.stop();
  }
}

const figure = (ms: number) => Number(ms.toFixed(2));

const benchmark: Benchmark = {
  title: 'one caller of a function, alone and beside twenty of another',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const figures: Record<string, number> = {};
    let accelerator = 'none';
    try {
      for (const kind of ['process', 'microvm'] as const) {
        const { alone, beside, burst, ...host } = await measure(kind, scratch);
        accelerator = host.accelerator;
        say(`${kind}: p99 ${figure(p99(alone))} ms alone, ${figure(p99(beside))} ms beside ${burst.rps} requests/s`);
        figures[`${kind}_alone_p50_ms`] = figure(median(alone));
        figures[`${kind}_beside_p50_ms`] = figure(median(beside));
        figures[`${kind}_alone_p99_ms`] = figure(p99(alone));
        figures[`${kind}_beside_p99_ms`] = figure(p99(beside));
        figures[`${kind}_p99_ratio`] = figure(p99(beside) / p99(alone));
        figures[`${kind}_burst_rps`] = burst.rps;
      }
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return {
      accelerator,
      figures,
      notes: [
        'The burst keeps all processors busy; what the one caller waits for beyond its own time is the share that the system gives it.',
      ],
    };
  },
};

export default benchmark;
