/**
 * Works in one operating system for components, in a process of its own: `wasi-work.ts JSON`, see `WorkOrder`. Its standard output is
 * the guest's; its parent says which piece of work comes next, and hears how long that took.
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
import { BODY } from './floor-body.ts';
import { type Piece, TIMES, type WorkDone, type WorkOrder } from './wasi-piece.ts';

type Imports = Record<string, Record<string, unknown>>;

/** What the guest offers; over our own system its calls give promises. */
interface Work {
  readClock(times: number): unknown;
  drawRandom(times: number, bytes: number): unknown;
  writeFile(bytes: number): unknown;
  readFile(): unknown;
  writeStdout(bytes: number): unknown;
}

/** An agent enters those so that may wait: what only asks for time, chance and files never does (`plain-entry`). */
const WAITING_EXPORTS = ['write-stdout', 'get'];
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

const order = JSON.parse(process.argv[2]!) as WorkOrder;
const { which, components, folder, port } = order;
const imports = which === 'ours' ? ours(await outside(order)) : shim(folder);

async function instance<Exports>(component: string): Promise<Exports> {
  const instantiate = await translate(component, which === 'ours' ? 'jspi' : 'sync', WAITING_EXPORTS);
  return instantiate(imports) as unknown as Exports;
}

const work = await instance<Work>(components.work);
const out = await instance<{ get(times: number, port: number): unknown }>(components.out);
// The shim has no stores.
const keys = which === 'ours' ? await instance<{ get(times: number): unknown }>(components.keys) : null;

/** Each piece of work, with what it gives. */
const PIECES: Readonly<Record<Piece, { readonly run: () => unknown; readonly gives?: number }>> = {
  clock: { run: () => work.readClock(TIMES.clock) },
  random: { run: () => work.drawRandom(TIMES.random, KIB) },
  write: { run: () => work.writeFile(MIB), gives: MIB },
  read: { run: () => work.readFile(), gives: MIB },
  stdout: { run: writeOutput, gives: MIB },
  requests: { run: () => out.get(TIMES.requests, port), gives: TIMES.requests * BODY.length },
  keys: { run: () => keys?.get(TIMES.keys), gives: TIMES.keys * VALUE_BYTES },
};

/** Until all has left this process: what was written may wait in it. */
async function writeOutput(): Promise<unknown> {
  const written = await work.writeStdout(MIB);
  await new Promise<void>((left) => process.stdout.write('', () => left()));
  return written;
}

process.on('message', async (piece: Piece) => {
  const { run, gives } = PIECES[piece];
  const beganAt = process.hrtime.bigint();
  const given = await run();
  const endedAt = process.hrtime.bigint();
  if (gives !== undefined && given !== gives) throw new Error(`expected ${gives} bytes of ${piece}, got ${given}`);
  process.send!({ beganAt: String(beganAt), ms: Number(endedAt - beganAt) / 1e6 } satisfies WorkDone);
});
process.send!('ready');
