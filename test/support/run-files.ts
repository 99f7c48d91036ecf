/**
 * A process that runs test files, one after another: it is given their paths, a line each, on file descriptor 4, and says on 3, a line of JSON each, how they went
 * and that nothing of them is left. What they have in common is loaded once.
 *
 * The next file is begun when the event loop has run empty, as it would be when the process of a file ends by itself; so a file that leaves a handle open is found,
 * and named.
 */
import { readSync, writeSync } from 'node:fs';
import { END_OF_OUTPUT, type FileReport, STATUS_HANDLES } from './file-report.ts';
import { LeftChanged } from './left-changed.ts';
import { prepare, runFile } from './run-file.ts';

/** Exit status of a process in which nothing is left that a test could wait for; Node's own for such a program. */
const STATUS_UNSETTLED = 13;
/** How long a finished file may keep the event loop alive before its open handles are named, milliseconds. */
const LINGER_MS = 3000;

/** How often it looks whether whoever runs it is there, milliseconds. */
const ORPHANED_MS = 1000;

let state: 'idle' | 'runs' | 'ran' = 'idle';
let linger: NodeJS.Timeout | undefined;
const changes = new LeftChanged();

/** Runs whenever the event loop is empty. */
function atRest(): void {
  if (state === 'runs') process.exit(STATUS_UNSETTLED);
  clearTimeout(linger);
  process.exitCode = 0;
  if (state === 'ran') {
    for (const stream of [process.stdout, process.stderr]) stream.write(END_OF_OUTPUT);
    say({ kind: 'ended', changed: changes.since(), residentBytes: process.memoryUsage.rss() });
  }
  state = 'idle';
  const file = nextLine();
  if (file !== null) run(file);
}

function run(file: string): void {
  state = 'runs';
  changes.begin();
  // A file that waits for nothing would leave the event loop empty, and Node would not say so a second time.
  setImmediate(() => undefined);
  runFile(file).then(
    (result) => {
      say({ kind: 'ran', result });
      state = 'ran';
      // Fires only when something else keeps the loop alive: the timer itself does not.
      linger = setTimeout(() => {
        process.stdout.write(`\n  left open after its last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
        process.exit(STATUS_HANDLES);
      }, LINGER_MS).unref();
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}

function say(report: FileReport): void {
  writeSync(3, `${JSON.stringify(report)}\n`);
}

/** Waits for the next path; null when there are no more. Nothing else goes on in this process meanwhile. */
function nextLine(): string | null {
  const byte = Buffer.alloc(1);
  const bytes: number[] = [];
  while (readSync(4, byte) === 1) {
    if (byte[0] === 0x0a) return Buffer.from(bytes).toString();
    bytes.push(byte[0]!);
  }
  return null;
}

// Whoever runs it was killed: nobody hears what its files come to, nor ends what they start.
const runner = process.ppid;
setInterval(() => process.ppid !== runner && process.kill(0, 'SIGKILL'), ORPHANED_MS).unref();

prepare();
process.on('beforeExit', atRest);
