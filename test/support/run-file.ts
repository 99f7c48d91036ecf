/**
 * Runs the suites of one test file in this process and writes one line of JSON to file descriptor 3.
 * A process of its own for each file: a leaked handle, a crash or an endless loop costs that file and nothing else.
 */
import { readFileSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/** A suite that was queued by `.run()`: errors as text or true, passed, skipped, total. */
type QueuedSuite = () => Promise<[string | true, number, number, number]>;

const globals = globalThis as unknown as {
  UVU_DEFER: number;
  UVU_INDEX: number;
  UVU_QUEUE: QueuedSuite[][];
  CASE_TIMES: CaseTime[];
};

/** How long a finished file may keep its process alive before its open handles are named, milliseconds. */
const LINGER_MS = 3000;

/** Clock ticks of `/proc` in a second: Linux gives programs no other number. */
const TICKS = 100;

/** How long one case, or what is done before the cases, took. */
export interface CaseTime {
  readonly name: string;
  readonly seconds: number;
}

/** What a file's process says at its end. */
export interface FileResult {
  readonly passed: number;
  readonly total: number;
  readonly skipped: number;
  readonly suites: number;
  readonly cpuSeconds: number;
  readonly cases: readonly CaseTime[];
}

const file = process.argv[2];
if (file === undefined) throw new Error('expected the path of a test file');

globals.CASE_TIMES = [];
const watched = new URL('./watched-uvu.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'uvu' && context.parentURL !== watched
      ? { url: watched, shortCircuit: true }
      : next(specifier, context),
});
globals.UVU_DEFER = 1;
globals.UVU_INDEX = 0;
globals.UVU_QUEUE = [[]];
await import(pathToFileURL(file).href);

const queued = globals.UVU_QUEUE[0] ?? [];
let passed = 0;
let total = 0;
let skipped = 0;
for (const suite of queued) {
  const [errors, ran, skips, all] = await suite();
  passed += ran;
  total += all;
  skipped += skips;
  if (errors !== true) process.stdout.write(`\n${errors}\n`);
}
const counts = { passed, total, skipped, suites: queued.length };
const result: FileResult = { ...counts, cpuSeconds: cpuSeconds(), cases: globals.CASE_TIMES };
writeSync(3, `${JSON.stringify(result)}\n`);
process.exitCode = passed === total ? 0 : 1;

// Fires only when something else keeps the process alive: the timer itself does not.
setTimeout(() => {
  process.stdout.write(`\n  left open after its last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(86);
}, LINGER_MS).unref();

/** Of this process and of those it waited for. */
function cpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return ticks / TICKS;
}
