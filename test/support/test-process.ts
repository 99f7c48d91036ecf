/**
 * One test file in a process of its own, with a time limit, and no way to pass without asserting.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CaseTime, FileResult } from './run-file.ts';
import type { TestFile } from './test-file.ts';

const RUN_FILE = fileURLToPath(new URL('./run-file.ts', import.meta.url));

/** How a file ended. */
export interface Outcome {
  readonly file: TestFile;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** Processor time of its process and of the processes below it, as far as they were waited for; 0 when it did not come to its end. */
  readonly cpuSeconds: number;
  readonly cases: readonly CaseTime[];
  /** What is wrong with the file as a whole. */
  readonly complaint: string | null;
  readonly output: string;
}

/** How files are run. */
export interface RunOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Leaders of the process groups that run. */
const running = new Set<number>();

/** Ends every file that runs and what it started, for who is interrupted: they are in groups of their own, which a terminal does not reach. */
export function endTestFiles(): void {
  for (const pid of running) killGroup(pid);
}

/** Longest output that is kept of a file, characters. */
const MAX_OUTPUT = 200_000;

/** Runs a file. Whatever it leaves behind is ended. */
export function runTestFile(file: TestFile, { root, env }: RunOptions): Promise<Outcome> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const nothing = { file, passed: 0, seconds: 0, cpuSeconds: 0, cases: [], output: '' };
  if (file.fault !== null) return Promise.resolve({ ...nothing, failed: 1, complaint: file.fault });
  return new Promise((resolve) => {
    const args = [RUN_FILE, join(root, file.path)];
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const pid = child.pid!;
    running.add(pid);
    let output = '';
    let report = '';
    let timedOut = false;
    const take = (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT) output += chunk;
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk) => {
      report += chunk;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(pid);
    }, file.limitSeconds * 1000);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      killGroup(pid);
      running.delete(pid);
      const result = report === '' ? null : (JSON.parse(report) as FileResult);
      const end = signal ?? `status ${code}`;
      const complaint = timedOut ? `took longer than ${file.limitSeconds} s` : complaintOf(result, code, end);
      const failures = result === null ? 0 : result.total - result.passed;
      resolve({
        ...{ file, complaint, output, seconds: seconds() },
        passed: result?.passed ?? 0,
        failed: failures + (complaint !== null ? 1 : 0),
        cpuSeconds: result?.cpuSeconds ?? 0,
        cases: result?.cases ?? [],
      });
    });
  });
}

function complaintOf(result: FileResult | null, code: number | null, end: string): string | null {
  if (result === null) return `ended with ${end} before its tests were done`;
  if (result.total === 0) return 'no test ran';
  if (result.skipped > 0) return `${result.skipped} tests were skipped`;
  if (code === 86) return 'left handles open';
  return code !== 0 && result.passed === result.total ? `ended with ${end} after its tests` : null;
}

/** Ends what a test file left behind: it runs as the leader of its own process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty: nothing was left.
  }
}
