/**
 * Measures one operating system for components, in a process of its own: `wasi-work.ts JSON`, see `WorkOrder`. Its standard output is
 * the guest's; what it found goes to its parent.
 */
import { mkdirSync, writeSync } from 'node:fs';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { agentClock } from '../../runtime/agent/agent-clock.ts';
import { BodyRoom } from '../../runtime/agent/body-room.ts';
import { WINDOW_BYTES } from '../../runtime/agent/credit-window.ts';
import { CreditedSink } from '../../runtime/agent/credited-sink.ts';
import { kernelRandom } from '../../runtime/agent/kernel-random.ts';
import { OutsideHttpClient } from '../../runtime/agent/outside/http-client.ts';
import { keyValueOver } from '../../runtime/agent/outside/keyvalue.ts';
import type { Outside } from '../../runtime/agent/outside/outside.ts';
import { SLOT_BYTES } from '../../runtime/agent/wire.ts';
import { openNetwork } from '../../runtime/outside/network/network.ts';
import { Stores } from '../../runtime/outside/stores.ts';
import { createWasi, DEFAULT_LIMITS, discardSink, emptySource, FileTree } from '../../runtime/wasi/index.ts';
import { translate } from '../runtime/wasi/component.ts';
import { DirectOutside } from '../support/direct-outside.ts';
import { median } from './cloudlet-under-test.ts';
import { BODY } from './floor-body.ts';

type Imports = Record<string, Record<string, unknown>>;

/** What the guest offers; over our own system its calls give promises. */
interface Work {
  readClock(times: number): unknown;
  drawRandom(times: number, bytes: number): unknown;
  writeFile(bytes: number): unknown;
  readFile(): unknown;
  writeStdout(bytes: number): unknown;
}

/** What is measured, with which components. */
export interface WorkOrder {
  readonly which: 'ours' | 'shim';
  readonly components: { readonly work: string; readonly out: string; readonly keys: string };
  /** Where files may be written. */
  readonly folder: string;
  /** Of a server on this computer. */
  readonly port: number;
}

const EXPORTS = ['read-clock', 'draw-random', 'write-file', 'read-file', 'write-stdout', 'get'];
const RUNS = 15;
const WARM = 5;
const CALLS = 20_000;
const DRAWS = 2_000;
const REQUESTS = 100;
const KEYS = 1_000;
const VALUE_BYTES = 100;
const KIB = 1024;
const MIB = 1024 * KIB;
/** As a worker's line does it. */
const EARLY_BYTES = 64 * KIB;

/** An agent's output as its line has it (`worker-line`, `line-port`), over this process's own: what a guest writes comes together, and leaves by one system call. */
function standardOutput(): CreditedSink {
  let room = new BodyRoom();
  /** Those whose bytes have left: a copy for each that has to wait is garbage beyond the heap, for which all of that is looked through. */
  const rooms: BodyRoom[] = [];
  let isLeaving = false;
  const leave = () => {
    isLeaving = false;
    const { length } = room;
    const written = process.stdout.writableLength === 0 ? writeNow(room.memory.subarray(0, length)) : 0;
    if (written > 0) output.credit(written);
    const left = room;
    left.clear();
    if (written === length) return;
    room = rooms.pop() ?? new BodyRoom();
    process.stdout.write(left.memory.subarray(written, length), () => {
      rooms.push(left);
      output.credit(length - written);
    });
  };
  const output = new CreditedSink(WINDOW_BYTES, (bytes) => {
    if (room.length + bytes.length > SLOT_BYTES) leave();
    room.add(bytes);
    if (room.length >= EARLY_BYTES) leave();
    else if (!isLeaving) {
      isLeaving = true;
      process.nextTick(leave);
    }
  });
  return output;
}

/** Writes what fits; gives how many bytes that were. */
function writeNow(bytes: Uint8Array): number {
  try {
    return bytes.length === 0 ? 0 : writeSync(1, bytes);
  } catch {
    // It is full, and its stream waits for room.
    return 0;
  }
}

/** The stores and the network of a host, asked without a channel. */
async function outside({ folder, port }: WorkOrder): Promise<Outside> {
  const network = openNetwork({ allowedHosts: [`127.0.0.1:${port}`], allowedRanges: ['127.0.0.0/8'], connections: 8 });
  const stores = await Stores.open(folder, { isFunction: () => true });
  const granted = stores.services('bench', { keyvalue: { bytes: MIB }, blobs: null });
  return new DirectOutside({ ...network.services, ...granted });
}

const ours = (outside: Outside): Imports =>
  createWasi({
    ...{ environment: [], arguments: ['guest'], stdin: emptySource, stdout: standardOutput(), stderr: discardSink },
    ...{ configuration: [], log: () => {}, clock: agentClock, random: kernelRandom(), limits: DEFAULT_LIMITS },
    ...{ httpClient: new OutsideHttpClient(outside), network: null },
    files: new FileTree({ scratchBytes: 4 * MIB, scratchNodes: 10 }),
    keyValue: keyValueOver(outside),
    blobs: null,
  }).imports;

function shim(folder: string): Imports {
  mkdirSync(folder, { recursive: true });
  const stock = new WASIShim({ sandbox: { preopens: { '/': folder }, env: {}, args: ['guest'] } });
  return stock.getImportObject() as unknown as Imports;
}

/** Median milliseconds of a piece of work. */
async function measured(work: () => unknown, expected?: number): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS + WARM; run += 1) {
    const startedAt = performance.now();
    const done = await work();
    if (run >= WARM) times.push(performance.now() - startedAt);
    if (expected !== undefined && done !== expected) throw new Error(`expected ${expected} bytes, got ${done}`);
  }
  return median(times);
}

const order = JSON.parse(process.argv[2]!) as WorkOrder;
const { which, components, folder, port } = order;
const imports = which === 'ours' ? ours(await outside(order)) : shim(folder);

async function instance<Exports>(component: string): Promise<Exports> {
  const instantiate = await translate(component, which === 'ours' ? 'jspi' : 'sync', EXPORTS);
  return instantiate(imports) as unknown as Exports;
}

const work = await instance<Work>(components.work);
const out = await instance<{ get(times: number, port: number): unknown }>(components.out);
const requestsMs = await measured(() => out.get(REQUESTS, port), REQUESTS * BODY.length);
const found: Record<string, number> = {
  clock_ns: ((await measured(() => work.readClock(CALLS))) / CALLS) * 1e6,
  random_1k_us: ((await measured(() => work.drawRandom(DRAWS, KIB))) / DRAWS) * 1e3,
  file_write_1m_ms: await measured(() => work.writeFile(MIB), MIB),
  file_read_1m_ms: await measured(() => work.readFile(), MIB),
  http_out_rps: (REQUESTS / requestsMs) * 1e3,
};
// The shim has no stores.
if (which === 'ours') {
  const keys = await instance<{ get(times: number): unknown }>(components.keys);
  found['kv_get_us'] = ((await measured(() => keys.get(KEYS), KEYS * VALUE_BYTES)) / KEYS) * 1e3;
}
process.send!(found);
// How long its standard output takes is seen by who reads it: what is written may not have left yet.
process.on('message', async (mebibytes: number) => {
  for (let written = 0; written < mebibytes; written += 1) await work.writeStdout(MIB);
});
