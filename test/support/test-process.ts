/**
 * A process that runs test files, each under a time limit, with no way to pass without asserting. What a file leaves open or changed is its failure, and ends the
 * process, so that it costs no other file anything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { END_OF_OUTPUT, type FileReport, STATUS_HANDLES } from './file-report.ts';
import { processesBelow } from './process-tree.ts';
import type { CaseTime, FileResult } from './run-file.ts';
import type { TestFile } from './test-file.ts';

const RUN_FILES = fileURLToPath(new URL('./run-files.ts', import.meta.url));

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

/** Longest output that is kept of a file, characters. */
const MAX_OUTPUT = 200_000;
/** A process that has become larger is given no further files, bytes. */
const MAX_RESIDENT = 600 * 2 ** 20;

/** Leaders of the process groups that run. */
const running = new Set<number>();

/**
 * Ends every file that runs and what it started, for who is interrupted: they are in groups of their own, which a terminal does not reach, and what they start
 * (a program's own build, a machine) may be in others.
 */
export function endTestFiles(): void {
  for (const pid of running) killTree(pid);
}

/** The file that a process runs now. */
interface Current {
  readonly file: TestFile;
  readonly started: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcome: Outcome) => void;
  output: string;
  /** Streams of output that have ended for this file. */
  readonly silent: Set<unknown>;
  timedOut: boolean;
  result: FileResult | null;
  ended: Extract<FileReport, { kind: 'ended' }> | null;
}

/** A process for one file after another. */
export class TestProcess {
  readonly #root: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<string>;
  #current: Current | null = null;
  #spent = false;

  constructor({ root, env }: RunOptions) {
    this.#root = root;
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] as const;
    this.#child = spawn(process.execPath, [RUN_FILES], { cwd: root, env, stdio: [...stdio], detached: true });
    const pid = this.#child.pid!;
    running.add(pid);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) this.#readOutput(stream);
    this.#readReports(this.#child.stdio[3] as NodeJS.ReadableStream);
    // A process that crashed does not read its next path: that is told by its end.
    this.#paths.on('error', () => undefined);
    // Whatever its files left behind is ended.
    this.#child.once('exit', () => killGroup(pid));
    this.#closed = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        running.delete(pid);
        this.#spent = true;
        const end = signal ?? `status ${code}`;
        this.#finish(complaintOfEnd(this.#current, code, end));
        resolve(end);
      });
    });
  }

  /** Whether it may not be given another file: it failed, has become large, or has ended. */
  get spent(): boolean {
    return this.#spent;
  }

  /** Runs a file; one at a time. */
  run(file: TestFile): Promise<Outcome> {
    if (file.fault !== null) {
      const nothing = { file, passed: 0, seconds: 0, cpuSeconds: 0, cases: [], output: '' };
      return Promise.resolve({ ...nothing, failed: 1, complaint: file.fault });
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        current.timedOut = true;
        killTree(this.#child.pid!);
      }, file.limitSeconds * 1000);
      const current: Current = {
        ...{ file, resolve, timer, started: performance.now(), output: '', silent: new Set() },
        ...{ timedOut: false, result: null, ended: null },
      };
      this.#current = current;
      this.#paths.write(`${join(this.#root, file.path)}\n`);
    });
  }

  /** Lets the process end; what is wrong with how it did, or null. */
  async close(): Promise<string | null> {
    const over = this.#child.exitCode !== null || this.#child.signalCode !== null;
    this.#paths.end();
    const end = await this.#closed;
    return over || end === 'status 0' ? null : `the process ended with ${end} after its tests`;
  }

  get #paths(): NodeJS.WritableStream {
    return this.#child.stdio[4] as NodeJS.WritableStream;
  }

  #readOutput(stream: NodeJS.ReadableStream): void {
    let tail = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const current = this.#current;
      if (current === null) return;
      if (current.output.length < MAX_OUTPUT) current.output += chunk;
      tail = (tail + chunk).slice(-END_OF_OUTPUT.length);
      if (tail === END_OF_OUTPUT) current.silent.add(stream);
      this.#finishEnded();
    });
  }

  #readReports(stream: NodeJS.ReadableStream): void {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop()!;
      for (const line of lines) {
        const report = JSON.parse(line) as FileReport;
        if (this.#current === null) continue;
        if (report.kind === 'ran') this.#current.result = report.result;
        else this.#current.ended = report;
      }
      this.#finishEnded();
    });
  }

  /** Reports and output come by different ways: the file is over when all have ended. */
  #finishEnded(): void {
    if (this.#current?.ended && this.#current.silent.size === 2) this.#finish(complaintOfFile(this.#current));
  }

  #finish(complaint: string | null): void {
    const current = this.#current;
    if (current === null) return;
    this.#current = null;
    clearTimeout(current.timer);
    const { file, result, ended } = current;
    const failures = result === null ? 0 : result.total - result.passed;
    const failed = failures + (complaint !== null ? 1 : 0);
    // What failed may have left more than what is looked for.
    if (failed > 0 || (ended?.residentBytes ?? 0) > MAX_RESIDENT) this.#spent = true;
    current.resolve({
      ...{ file, complaint, failed, output: current.output.replaceAll(END_OF_OUTPUT, '') },
      seconds: (performance.now() - current.started) / 1000,
      passed: result?.passed ?? 0,
      cpuSeconds: result?.cpuSeconds ?? 0,
      cases: result?.cases ?? [],
    });
  }
}

/** What is wrong with a file whose process has ended. */
function complaintOfEnd(current: Current | null, code: number | null, end: string): string | null {
  if (current === null) return null;
  if (current.timedOut) return `took longer than ${current.file.limitSeconds} s`;
  if (current.result === null) return `ended with ${end} before its tests were done`;
  return code === STATUS_HANDLES ? 'left handles open' : `ended with ${end} after its tests`;
}

/** What is wrong with a file that came to its end. */
function complaintOfFile({ result, ended }: Current): string | null {
  if (result === null || result.total === 0) return 'no test ran';
  if (result.skipped > 0) return `${result.skipped} tests were skipped`;
  const changed = ended?.changed ?? [];
  return changed.length === 0 ? null : `left changed, for the files after it: ${changed.join(', ')}`;
}

/** Ends a process that runs test files, and all below it. */
function killTree(pid: number): void {
  // Looked for first: what loses its parent is not found any more.
  const below = processesBelow(pid);
  killGroup(pid);
  for (const each of below) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It has ended with the group.
    }
  }
}

/** Ends what a process left behind: it runs as the leader of its own process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty: nothing was left.
  }
}
