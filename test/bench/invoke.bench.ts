import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Packr } from 'msgpackr';
import { guest } from '../support/guest.ts';
import { CloudletUnderTest, median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';
import { freePort, type MeasuredLoad, measuredLoad, rawRequest, Server } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Run by this Node: the one that a machine happens to have may be too old for the component. */
const JCO = join(ROOT, 'node_modules/@bytecodealliance/jco/dist/jco.js');
const CONNECTIONS = 8;
const WARMUP_MS = 8000;
/** An engine optimizes after some thousand calls of a function, and an emulated machine takes as much longer for them; a second machine comes when the first is warm. */
const MACHINE_WARMUP_MS = 90_000;
const DURATION_MS = 3000;
const LOAD = { connections: CONNECTIONS, warmupMs: WARMUP_MS, durationMs: DURATION_MS };
const TYPED_RUNS = 200;
const TYPED_LARGE_RUNS = 15;
const WARM_CALLS = 5;
/** Share of its highest rate at which a sandbox must answer evenly. */
const EVEN_LOAD = 0.7;
const EVEN_RUNS = 5;

/** The same function in C and, through the guest library, on two JavaScript engines. */
const GUESTS = { c: 'http-c', quickjs: 'http-quickjs', starlingmonkey: 'http-starlingmonkey' } as const;

const workerdConfig = (port: number) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = "export default { fetch() { return new Response('hello\\\\n'); } }")],
    compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);
`;

type Say = (line: string) => void;

interface Pace {
  readonly warmupMs?: number;
  /** Requests a second; by default as many as are answered. */
  readonly rps?: number;
}

/** Load on the http door of a function, once its sandbox is there; `path` begins with "/". */
async function door(host: CloudletUnderTest, name: string, path: string, pace: Pace): Promise<MeasuredLoad> {
  const { port } = host.server;
  const { authorization } = host;
  const first = await fetch(`http://127.0.0.1:${port}/f/${name}${path}`, { headers: { authorization } });
  if (!first.ok) throw new Error(`${name}: ${first.status} ${await first.text()}`);
  await first.arrayBuffer();
  const request = rawRequest('GET', `/f/${name}${path}`, port, { authorization });
  return measuredLoad(host.server, { ...LOAD, ...pace }, request);
}

/** All guests in one kind of sandbox: saying hello, and for the first kind also working on a document. */
async function sandboxes(kind: 'process' | 'microvm', data: string, say: Say) {
  const host = await CloudletUnderTest.start(kind, data, [...Object.values(GUESTS), 'typed']);
  try {
    const measured = async (name: string, path: string, pace: Pace = {}): Promise<MeasuredLoad | null> => {
      const what = `${kind} ${name}${path}${pace.rps === undefined ? '' : ` at ${Math.round(pace.rps)} requests/s`}`;
      try {
        const row = await door(host, name, path, pace);
        say(
          `${what}: ${row.rps} requests/s, p50 ${row.p50Ms} ms, p99 ${row.p99Ms} ms; ${row.ownUs} µs of the host, ${row.startedUs} of its sandboxes`,
        );
        return row;
      } catch (error) {
        // One lost answer makes this figure worthless, and not the others.
        say(`${what}: not measured, ${/Error: (?!Command).*/.exec(String(error))?.[0] ?? error}`);
        return null;
      }
    };
    const rows: Record<string, MeasuredLoad | null> = {};
    const even: MeasuredLoad[] = [];
    for (const [engine, name] of Object.entries(GUESTS)) {
      const most = await measured(name, '/', kind === 'microvm' ? { warmupMs: MACHINE_WARMUP_MS } : {});
      rows[`${engine}/`] = most;
      // At once: a sandbox that nobody calls for a minute is closed, and a new one is not as warm.
      for (let run = 0; name === GUESTS.c && most !== null && run < EVEN_RUNS; run += 1) {
        const row = await measured(name, '/', { rps: most.rps * EVEN_LOAD });
        if (row !== null) even.push(row);
      }
      rows[`${engine}/json`] = await measured(name, '/json');
    }
    const typedSmallMs = await typed(host, 1024, TYPED_RUNS);
    const typedLargeMs = await typed(host, 1024 * 1024, TYPED_LARGE_RUNS);
    say(`${kind} typed call: 1 KiB ${typedSmallMs.toFixed(2)} ms, 1 MiB ${typedLargeMs.toFixed(1)} ms`);
    return { rows, even, typedSmallMs, typedLargeMs, accelerator: host.accelerator };
  } finally {
    await host.stop();
  }
}

/** Median milliseconds of a typed call that sends and gets back so many bytes, one at a time. */
async function typed(host: CloudletUnderTest, bytes: number, runs: number): Promise<number> {
  const body = new Uint8Array(new Packr({ useRecords: false }).pack([new Uint8Array(bytes).fill(7)]));
  const times: number[] = [];
  for (let run = 0; run < runs + WARM_CALLS; run++) {
    const started = performance.now();
    const answer = await host.call('typed', 'echo', body);
    if (answer.length < bytes) throw new Error(`${answer.length} bytes came back, sent ${bytes}`);
    if (run >= WARM_CALLS) times.push(performance.now() - started);
  }
  return median(times);
}

/** Starts a server, loads it, evenly too if wished, stops it. */
async function peer(
  say: Say,
  name: string,
  command: string,
  args: (port: number) => readonly string[],
  evenRuns = 0,
): Promise<MeasuredLoad & { readonly even: readonly MeasuredLoad[] }> {
  const port = await freePort();
  const server = await Server.start(command, args(port), port, '/');
  try {
    const request = rawRequest('GET', '/', port);
    const row = await measuredLoad(server, LOAD, request);
    say(`${name}: ${row.rps} requests/s, p50 ${row.p50Ms} ms, ${row.ownUs + row.startedUs} µs of the processors each`);
    const even: MeasuredLoad[] = [];
    while (even.length < evenRuns) {
      const one = await measuredLoad(server, { ...LOAD, rps: row.rps * EVEN_LOAD }, request);
      say(`${name} at ${Math.round(row.rps * EVEN_LOAD)} requests/s: p50 ${one.p50Ms} ms, p99 ${one.p99Ms} ms`);
      even.push(one);
    }
    return { ...row, even };
  } finally {
    await server.stop();
  }
}

/** `jco serve` of a component, with one instance for all requests or one for each. */
async function jcoServe(say: Say, name: string, isolated: boolean) {
  const component = await guest(name);
  const options = isolated ? ['--isolate-requests', 'instance'] : [];
  return peer(say, `jco serve ${name}${isolated ? ', isolated' : ''}`, process.execPath, (port) => [
    JCO,
    'serve',
    component,
    '--port',
    String(port),
    '--host',
    '127.0.0.1',
    ...options,
  ]);
}

const ratio = (a: number | null, b: number | null) => (a === null || b === null ? null : Number((a / b).toFixed(3)));

/** The median of several loads. */
const evenly = (rows: readonly MeasuredLoad[], what: 'p50Ms' | 'p99Ms') =>
  rows.length < EVEN_RUNS ? null : median(rows.map((row) => row[what]));

const benchmark: Benchmark = {
  title: 'one function over HTTP: plain Hono, process and microvm sandboxes, jco serve, workerd; typed calls',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    try {
      const floor = await peer(
        say,
        'plain Hono',
        process.execPath,
        (port) => [join(ROOT, 'test/bench/floor.ts'), String(port)],
        EVEN_RUNS,
      );
      const node = await peer(say, 'node:http alone', process.execPath, (port) => [
        join(ROOT, 'test/bench/floor-node.ts'),
        String(port),
      ]);
      const inProcess = await sandboxes('process', join(scratch, 'process'), say);
      const inMachine = await sandboxes('microvm', join(scratch, 'microvm'), say);
      const shared = await jcoServe(say, GUESTS.c, false);
      const isolated = await jcoServe(say, GUESTS.c, true);
      const isolatedQuickJs = await jcoServe(say, GUESTS.quickjs, true);
      const workerd = await peer(
        say,
        'workerd',
        join(ROOT, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd'),
        (port) => ['serve', writeConfig(scratch, port)],
      );
      const p = (row: string) => inProcess.rows[row]?.rps ?? null;
      const m = (row: string) => inMachine.rows[row]?.rps ?? null;
      return {
        accelerator: inMachine.accelerator,
        figures: {
          floor_rps: floor.rps,
          floor_cpu_us: floor.ownUs,
          floor_p50_at_70_ms: evenly(floor.even, 'p50Ms'),
          floor_p99_at_70_ms: evenly(floor.even, 'p99Ms'),
          node_rps: node.rps,
          node_cpu_us: node.ownUs,
          process_rps: p('c/'),
          process_host_cpu_us: inProcess.rows['c/']?.ownUs ?? null,
          process_sandbox_cpu_us: inProcess.rows['c/']?.startedUs ?? null,
          process_over_floor: ratio(p('c/'), floor.rps),
          process_json_rps: p('c/json'),
          process_quickjs_rps: p('quickjs/'),
          process_quickjs_json_rps: p('quickjs/json'),
          process_starlingmonkey_rps: p('starlingmonkey/'),
          process_starlingmonkey_json_rps: p('starlingmonkey/json'),
          microvm_rps: m('c/'),
          microvm_over_process: ratio(m('c/'), p('c/')),
          microvm_json_rps: m('c/json'),
          microvm_quickjs_rps: m('quickjs/'),
          microvm_starlingmonkey_rps: m('starlingmonkey/'),
          jco_serve_rps: shared.rps,
          jco_serve_isolated_rps: isolated.rps,
          jco_serve_isolated_quickjs_rps: isolatedQuickJs.rps,
          process_over_jco_isolated: ratio(p('c/'), isolated.rps),
          process_quickjs_over_jco_isolated: ratio(p('quickjs/'), isolatedQuickJs.rps),
          workerd_rps: workerd.rps,
          process_p99_ms: inProcess.rows['c/']?.p99Ms ?? null,
          process_p50_at_70_ms: evenly(inProcess.even, 'p50Ms'),
          process_p99_at_70_ms: evenly(inProcess.even, 'p99Ms'),
          microvm_p50_ms: inMachine.rows['c/']?.p50Ms ?? null,
          microvm_p50_at_70_ms: evenly(inMachine.even, 'p50Ms'),
          microvm_p99_at_70_ms: evenly(inMachine.even, 'p99Ms'),
          process_typed_1k_us: Math.round(inProcess.typedSmallMs * 1000),
          process_typed_1m_ms: Number(inProcess.typedLargeMs.toFixed(1)),
          typed_1k_us: Math.round(inMachine.typedSmallMs * 1000),
          typed_1m_ms: Number(inMachine.typedLargeMs.toFixed(1)),
        },
        notes: [
          `${CONNECTIONS} keep-alive connections from a process of its own, ${DURATION_MS / 1000} s after ${WARMUP_MS / 1000} s of warm-up; ${MACHINE_WARMUP_MS / 1000} s for the first of a function's in machines.`,
          'The function is in C (`process_rps`, `microvm_rps`, `…_json_rps`), and in TypeScript on QuickJS and StarlingMonkey; "json" writes, reads and answers a document of 50 items.',
          'Process and microvm sandboxes give every request an instance that is as new; jco serve shares one instance, "isolated" with its own option for one instance a request.',
          'workerd runs an equivalent JavaScript worker, not the component, in one shared isolate.',
          '"cpu" is what a request takes of the processors: with three processes on two of them, it says more than requests a second. "node" is `node:http` alone with as many header fields as ours.',
          `"at_70" is the C function, and plain Hono, at ${EVEN_LOAD * 100} % of its highest rate, each request timed from the moment it was due; medians of ${EVEN_RUNS} such loads.`,
          'Typed calls are sequential, MessagePack, a list<u8> sent and returned by a C component; without a prefix in the microvm.',
        ],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

function writeConfig(dir: string, port: number): string {
  const path = join(dir, 'workerd.capnp');
  writeFileSync(path, workerdConfig(port));
  return path;
}

export default benchmark;
