import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ChildTask, TestEnd, TestedFunction, TestLine } from './test-line.ts';

/** How long a test file may take when nobody says otherwise, milliseconds. */
export const TEST_FILE_MS = 60_000;

const CHILD = new URL('./test-child.ts', import.meta.url).href;
const REPORTER = fileURLToPath(new URL('./test-reporter.ts', import.meta.url));
const PACKAGES = {
  'cloudlet/client': new URL('../../client/index.ts', import.meta.url).href,
  'cloudlet/guest': new URL('../../guest/index.ts', import.meta.url).href,
};

/** How long a file has to end by itself once it was told to, milliseconds. */
const GRACE_MS = 1000;
/** Characters of what a file said last that are looked at when it ends badly. */
const TAIL_CHARACTERS = 8192;

/** How a test file is run. */
export interface TestFileOptions {
  /** What `functionUnderTest()` of `cloudlet/client` gives in it. */
  readonly tested: TestedFunction;
  /** Only tests whose name, or whose suite's, has it. */
  readonly filter?: string | undefined;
  /** After so long it is ended, milliseconds; `TEST_FILE_MS` when left out. */
  readonly timeoutMs?: number | undefined;
  /** Takes what the file writes. */
  readonly onOutput?: (chunk: Uint8Array) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Files with tests of a project's own, `test/*.test.ts` and `.js`, absolute and sorted. */
export async function testFilesOf(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'test')).catch(() => []);
  return names
    .filter((name) => /\.test\.m?[jt]s$/.test(name))
    .sort()
    .map((name) => join(folder, 'test', name));
}

/**
 * Runs a test file by Node's own test runner, in a process of its own that leads a process group, and gives each test as it ends. A file that does not end
 * in time, or ends badly beside its tests, is one more test that failed, by the file's path; whatever it leaves behind is ended.
 */
export async function* runTestFile(file: string, options: TestFileOptions): AsyncGenerator<TestEnd> {
  const { tested, filter, timeoutMs = TEST_FILE_MS, signal } = options;
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-'));
  const began = performance.now();
  try {
    const preload = join(folder, 'preload.mjs');
    // In a file, since others may read the arguments of a process.
    const task: ChildTask = { tested, packages: PACKAGES };
    const program = `import { begin } from ${JSON.stringify(CHILD)};\nbegin(${JSON.stringify(task)});\n`;
    await writeFile(preload, program, { mode: 0o600 });
    const run = runChild([...flagsOf(preload, filter), file], options);
    const seen = { last: null as string | null, isRunning: false, failed: 0 };
    for await (const text of createInterface({ input: run.lines })) {
      const line = JSON.parse(text) as TestLine;
      if (line.kind === 'running') seen.last = line.name;
      if (line.kind !== 'ended') {
        seen.isRunning = line.kind === 'running';
        continue;
      }
      if (!line.test.passed && line.test.skipped !== true) seen.failed += 1;
      yield line.test;
    }
    const end = await run.ended;
    signal?.throwIfAborted();
    const reason = end.isLate ? lateness(seen, timeoutMs) : seen.failed === 0 ? badEnd(end) : null;
    if (reason !== null) yield { name: file, passed: false, ms: performance.now() - began, reason };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How the process of a file ended. */
interface ChildEnd {
  readonly isLate: boolean;
  readonly status: number | NodeJS.Signals | null;
  /** What it said last. */
  readonly tail: string;
}

function flagsOf(preload: string, filter: string | undefined): string[] {
  const pattern = filter?.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return [
    '--disable-warning=ExperimentalWarning',
    ...['--import', pathToFileURL(preload).href, '--test-reporter', REPORTER],
    ...(pattern === undefined ? [] : ['--test-name-pattern', pattern]),
  ];
}

function runChild(
  words: readonly string[],
  { timeoutMs = TEST_FILE_MS, onOutput, signal }: TestFileOptions,
): { readonly lines: Readable; readonly ended: Promise<ChildEnd> } {
  // The child ends when its input does: who is killed leaves nothing behind.
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  let tail = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => {
      tail = `${tail}${chunk}`.slice(-TAIL_CHARACTERS);
      onOutput?.(chunk);
    });
  const kill = (how: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, how);
    } catch {
      // The group is empty: it has ended.
    }
  };
  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    kill('SIGTERM');
    killer = setTimeout(kill, GRACE_MS, 'SIGKILL');
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => {
      kill('SIGKILL');
      clearTimeout(timer);
      clearTimeout(killer);
      signal?.removeEventListener('abort', stop);
      child.once('close', () => resolve({ isLate, status: by ?? code, tail }));
    });
  });
  // Awaited when its lines have ended.
  ended.catch(() => {});
  return { lines: child.stdio[3] as Readable, ended };
}

function lateness(seen: { readonly last: string | null; readonly isRunning: boolean }, timeoutMs: number): string {
  const limit = `it did not end within ${timeoutMs / 1000} s`;
  const remedy = 'if it needs longer, say so with --timeout SECONDS';
  if (seen.last === null) return `${limit}, and no test of it had begun; ${remedy}`;
  if (seen.isRunning) return `${limit}: "${seen.last}" was running; ${remedy}`;
  return `${limit}, although its last test, "${seen.last}", had: something is left open, a server or a timer; close it, or ${remedy}`;
}

/** Why a file failed of which no test did; null when it ended well. */
function badEnd({ status, tail }: ChildEnd): string | null {
  if (status === 0) return null;
  const how = typeof status === 'number' ? `status ${status}` : `${status}`;
  const error = tail.split('\n').findLast((line) => /^(?:\w*Error\b|\w+ \[\w+\]:)/.test(line));
  return `it ended with ${how} beside its tests${error === undefined ? '' : `: ${error}`}`;
}
