import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guest } from '../support/guest.ts';
import { CloudletUnderTest } from './cloudlet-under-test.ts';
import { type LoadResult, load } from './load.ts';
import type { Benchmark } from './run.ts';
import { freePort, rawRequest, Server } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** C, which does next to nothing itself, so that the figure is the runtime's; and JavaScript on QuickJS, most of whose time is its engine's. */
const GUESTS = { c: 'http-p3-c', quickjs: 'http-p3' } as const;
const PATH = '/hello';
const CONNECTIONS = 8;
const WARMUP_MS = 8000;
const DURATION_MS = 5000;

/** Load on a server, which is there. */
function loaded(port: number, path: string, headers: Record<string, string> = {}): Promise<LoadResult> {
  const options = { port, connections: CONNECTIONS, warmupMs: WARMUP_MS, durationMs: DURATION_MS };
  return load(options, rawRequest('GET', path, port, headers));
}

/** A program of this folder as a server: what it answers `path` with, under load. */
async function peer(program: string, path: string, ...words: readonly string[]): Promise<LoadResult> {
  const port = await freePort();
  const args = [join(ROOT, 'test/bench', program), ...words, String(port)];
  const server = await Server.start(process.execPath, args, port, path);
  try {
    return await loaded(port, path);
  } finally {
    await server.stop();
  }
}

/** Our host with process sandboxes, whose instances serve several requests, some at once. */
async function ours(name: string, data: string): Promise<LoadResult> {
  const host = await CloudletUnderTest.start('process', data, [name]);
  try {
    return await loaded(host.server.port, `/f/${name}${PATH}`, { authorization: host.authorization });
  } finally {
    await host.stop();
  }
}

const over = (one: LoadResult, other: LoadResult, digits: number): number =>
  Number((one.rps / other.rps).toFixed(digits));

const benchmark: Benchmark = {
  title: 'a service of WASI 0.3 over HTTP: process sandboxes, the stock shim (preview3-shim), plain Hono',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    try {
      const rows = {
        floor: await peer('floor.ts', '/'),
        p3: await ours(GUESTS.c, join(scratch, 'c')),
        shim: await peer('p3-shim-server.ts', PATH, await guest(GUESTS.c)),
        p3Quickjs: await ours(GUESTS.quickjs, join(scratch, 'quickjs')),
        shimQuickjs: await peer('p3-shim-server.ts', PATH, await guest(GUESTS.quickjs)),
      };
      for (const [name, { rps, p50Ms, p99Ms }] of Object.entries(rows))
        say(`${name}: ${rps} requests/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms`);
      const { floor, p3, shim, p3Quickjs, shimQuickjs } = rows;
      return {
        accelerator: 'none',
        figures: {
          p3_rps: p3.rps,
          p3_p50_ms: p3.p50Ms,
          p3_p99_ms: p3.p99Ms,
          shim_p3_rps: shim.rps,
          shim_p3_p50_ms: shim.p50Ms,
          p3_over_shim: over(p3, shim, 2),
          p3_quickjs_rps: p3Quickjs.rps,
          p3_quickjs_p50_ms: p3Quickjs.p50Ms,
          shim_p3_quickjs_rps: shimQuickjs.rps,
          p3_quickjs_over_shim: over(p3Quickjs, shimQuickjs, 2),
          p3_floor_rps: floor.rps,
          p3_over_floor: over(p3, floor, 3),
        },
        notes: [
          `${CONNECTIONS} keep-alive connections from a process of its own, ${DURATION_MS / 1000} s after ${WARMUP_MS / 1000} s of warm-up.`,
          'The same component on both, which answers six bytes: p3 is C by the canonical ABI, p3_quickjs JavaScript on an engine of its own, whose time is the same on both; ours has an instance for 128 requests, the shim one for all.',
          'The shim serves by its own HTTP server in a worker of the same process; its result is wrapped for it, as the glue gives the response itself.',
          'floor is plain Hono, without any guest.',
        ],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
