import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Packr } from 'msgpackr';
import { guest } from '../support/guest.ts';
import { CloudletUnderTest, median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';
import { freePort, load, rawRequest, Server } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Run by this Node: the one that a machine happens to have may be too old for the component. */
const JCO = join(ROOT, 'node_modules/@bytecodealliance/jco/dist/jco.js');
const CONNECTIONS = 8;
const WARMUP_MS = 2000;
const DURATION_MS = 5000;
const TYPED_RUNS = 200;
const TYPED_LARGE_RUNS = 15;
const WARM_CALLS = 5;

const workerdConfig = (port: number) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = "export default { fetch() { return new Response('Hello from the edge!\\\\n'); } }")],
    compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);
`;

/** Load on the http door of the hello component, once its sandbox is there. */
async function hello({ server: { port }, authorization }: CloudletUnderTest) {
  const first = await fetch(`http://127.0.0.1:${port}/f/hello-http/`, { headers: { authorization } });
  if (!first.ok) throw new Error(`hello: ${first.status} ${await first.text()}`);
  await first.arrayBuffer();
  const request = rawRequest('GET', '/f/hello-http/', port, { authorization });
  return load({ port, connections: CONNECTIONS, warmupMs: WARMUP_MS, durationMs: DURATION_MS }, request);
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

/** Starts a server, loads it, stops it. */
async function peer(command: string, args: (port: number) => readonly string[]) {
  const port = await freePort();
  const server = await Server.start(command, args(port), port, '/');
  try {
    const options = { port, connections: CONNECTIONS, warmupMs: WARMUP_MS, durationMs: DURATION_MS };
    return await load(options, rawRequest('GET', '/', port));
  } finally {
    await server.stop();
  }
}

const benchmark: Benchmark = {
  title: 'the same hello over HTTP: plain Hono, process and microvm sandboxes, jco serve, workerd; typed calls',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    try {
      const floor = await peer(process.execPath, (port) => [join(ROOT, 'test/bench/floor.ts'), String(port)]);
      say(`plain Hono: ${floor.rps} requests/s, p50 ${floor.p50Ms} ms`);

      const processHost = await CloudletUnderTest.start('process', join(scratch, 'process'), ['hello-http']);
      const inProcess = await hello(processHost).finally(() => processHost.stop());
      say(`process sandbox: ${inProcess.rps} requests/s, p50 ${inProcess.p50Ms} ms, p99 ${inProcess.p99Ms} ms`);

      const machineHost = await CloudletUnderTest.start('microvm', join(scratch, 'microvm'), ['hello-http', 'typed']);
      let inMachine: Awaited<ReturnType<typeof load>>;
      let typedSmallMs: number;
      let typedLargeMs: number;
      try {
        inMachine = await hello(machineHost);
        say(`microvm sandbox: ${inMachine.rps} requests/s, p50 ${inMachine.p50Ms} ms, p99 ${inMachine.p99Ms} ms`);
        typedSmallMs = await typed(machineHost, 1024, TYPED_RUNS);
        typedLargeMs = await typed(machineHost, 1024 * 1024, TYPED_LARGE_RUNS);
        say(`typed call: 1 KiB ${typedSmallMs.toFixed(2)} ms, 1 MiB ${typedLargeMs.toFixed(1)} ms`);
      } finally {
        await machineHost.stop();
      }

      const component = await guest('hello-http');
      const jco = await peer(process.execPath, (port) => [
        JCO,
        'serve',
        component,
        '--port',
        String(port),
        '--host',
        '127.0.0.1',
      ]);
      say(`jco serve: ${jco.rps} requests/s, p50 ${jco.p50Ms} ms`);

      const workerd = await peer(join(ROOT, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd'), (port) => [
        'serve',
        writeConfig(scratch, port),
      ]);
      say(`workerd: ${workerd.rps} requests/s, p50 ${workerd.p50Ms} ms`);

      return {
        accelerator: machineHost.accelerator,
        figures: {
          floor_rps: floor.rps,
          process_rps: inProcess.rps,
          microvm_rps: inMachine.rps,
          jco_serve_rps: jco.rps,
          workerd_rps: workerd.rps,
          process_p99_ms: inProcess.p99Ms,
          microvm_p50_ms: inMachine.p50Ms,
          typed_1k_us: Math.round(typedSmallMs * 1000),
          typed_1m_ms: Number(typedLargeMs.toFixed(1)),
        },
        notes: [
          `${CONNECTIONS} keep-alive connections from a process of its own, ${DURATION_MS / 1000} s after ${WARMUP_MS / 1000} s of warm-up.`,
          'The hello component is JavaScript in QuickJS; process and microvm sandboxes give every request a fresh instance.',
          'jco serve runs the same component with its default options and shares one instance among all requests.',
          'workerd runs an equivalent JavaScript worker, not the component, in one shared isolate.',
          'Typed calls are sequential, MessagePack, a list<u8> sent and returned by a C component in the microvm.',
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
