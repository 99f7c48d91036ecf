/**
 * Measures one operating system for components, in a process of its own: `wasi-work.ts ours|shim COMPONENT FOLDER`. Its standard output is
 * the guest's; what it found goes to its parent.
 */
import { mkdirSync } from 'node:fs';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { agentClock } from '../../runtime/agent/agent-clock.ts';
import { WINDOW_BYTES } from '../../runtime/agent/credit-window.ts';
import { CreditedSink } from '../../runtime/agent/credited-sink.ts';
import { kernelRandom } from '../../runtime/agent/kernel-random.ts';
import { createWasi, DEFAULT_LIMITS, discardSink, emptySource, FileTree } from '../../runtime/wasi/index.ts';
import { translate } from '../runtime/wasi/component.ts';
import { median } from './cloudlet-under-test.ts';

type Imports = Record<string, Record<string, unknown>>;

/** What the guest offers; over our own system its calls give promises. */
interface Work {
  readClock(times: number): unknown;
  drawRandom(times: number, bytes: number): unknown;
  writeFile(bytes: number): unknown;
  readFile(): unknown;
  writeStdout(bytes: number): unknown;
}

const EXPORTS = ['read-clock', 'draw-random', 'write-file', 'read-file', 'write-stdout'];
const RUNS = 15;
const WARM = 5;
const CALLS = 20_000;
const DRAWS = 2_000;
const KIB = 1024;
const MIB = 1024 * KIB;

/** An agent's output, whose frames of one round of the event loop leave together, over this process's own. */
function standardOutput(): CreditedSink {
  let pending: Uint8Array[] = [];
  const leave = () => {
    const bytes = Buffer.concat(pending);
    pending = [];
    process.stdout.write(bytes, () => output.credit(bytes.length));
  };
  const output = new CreditedSink(WINDOW_BYTES, (bytes) => {
    if (pending.push(bytes) === 1) setImmediate(leave);
  });
  return output;
}

const ours = (): Imports =>
  createWasi({
    ...{ environment: [], arguments: ['guest'], stdin: emptySource, stdout: standardOutput(), stderr: discardSink },
    ...{ configuration: [], log: () => {}, clock: agentClock, random: kernelRandom(), limits: DEFAULT_LIMITS },
    ...{ httpClient: null, network: null },
    files: new FileTree({ scratchBytes: 4 * MIB, scratchNodes: 10 }),
    keyValue: null,
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

const [which, component, folder] = process.argv.slice(2);
const instantiate = await translate(component!, which === 'ours' ? 'jspi' : 'sync', EXPORTS);
const work = instantiate(which === 'ours' ? ours() : shim(folder!)) as unknown as Work;
process.send!({
  clock_ns: ((await measured(() => work.readClock(CALLS))) / CALLS) * 1e6,
  random_1k_us: ((await measured(() => work.drawRandom(DRAWS, KIB))) / DRAWS) * 1e3,
  file_write_1m_ms: await measured(() => work.writeFile(MIB), MIB),
  file_read_1m_ms: await measured(() => work.readFile(), MIB),
});
// How long its standard output takes is seen by who reads it: what is written may not have left yet.
process.on('message', async (mebibytes: number) => {
  for (let written = 0; written < mebibytes; written += 1) await work.writeStdout(MIB);
});
