/**
 * Runs the suites of one test file in this process and writes one line of JSON to file descriptor 3.
 * A process of its own for each file: a leaked handle, a crash or an endless loop costs that file and nothing else.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** A suite that was queued by `.run()`: errors as text or true, passed, skipped, total. */
type QueuedSuite = () => Promise<[string | true, number, number, number]>;

const globals = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: QueuedSuite[][] };

/** How long a finished file may keep its process alive before its open handles are named, milliseconds. */
const LINGER_MS = 3000;

export interface FileResult {
  readonly passed: number;
  readonly total: number;
  readonly skipped: number;
  readonly suites: number;
}

const file = process.argv[2];
if (file === undefined) throw new Error('expected the path of a test file');

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
writeSync(3, `${JSON.stringify({ passed, total, skipped, suites: queued.length } satisfies FileResult)}\n`);
process.exitCode = passed === total ? 0 : 1;

// Fires only when something else keeps the process alive: the timer itself does not.
setTimeout(() => {
  process.stdout.write(`\n  left open after its last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(86);
}, LINGER_MS).unref();
