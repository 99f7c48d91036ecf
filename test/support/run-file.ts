/**
 * Runs the suites of one test file in this process.
 */
import { readFileSync } from 'node:fs';
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

/** Clock ticks of `/proc` in a second: Linux gives programs no other number. */
const TICKS = 100;

/** How long one case, or what is done before the cases, took. */
export interface CaseTime {
  readonly name: string;
  readonly seconds: number;
}

/** How the tests of a file went. */
export interface FileResult {
  readonly passed: number;
  readonly total: number;
  readonly skipped: number;
  readonly suites: number;
  readonly cpuSeconds: number;
  readonly cases: readonly CaseTime[];
}

const watched = new URL('./watched-uvu.ts', import.meta.url).href;

/** Makes this process one that runs test files: suites wait until they are run, and are watched. */
export function prepare(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'uvu' && context.parentURL !== watched
        ? { url: watched, shortCircuit: true }
        : next(specifier, context),
  });
  globals.UVU_DEFER = 1;
  globals.UVU_INDEX = 0;
  globals.UVU_QUEUE = [[]];
  globals.CASE_TIMES = [];
}

/** Runs a file; a process that runs several does so one after another. Throws what the file throws while it is loaded. */
export async function runFile(file: string): Promise<FileResult> {
  globals.UVU_QUEUE = [[]];
  globals.CASE_TIMES.length = 0;
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
  return { ...counts, cpuSeconds: spentSince(), cases: [...globals.CASE_TIMES] };
}

let told = 0;

/** Of this process and of those it waited for, since the file before: the first bears the start of the process. */
function spentSince(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  const spent = (ticks - told) / TICKS;
  told = ticks;
  return spent;
}
