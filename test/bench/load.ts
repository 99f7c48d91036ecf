import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('./load.c', import.meta.url));
/** Set-up installs it, with what programs of this machine need. */
const COMPILER = 'clang-19';

/** What a load is made of: as many connections as asked for, each of which sends the same request, the next when it has its answer. */
export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Requests a second over all connections; left out, each connection sends as fast as it is answered. */
  readonly rps?: number;
}

/** What the requests between the end of the warm-up and the end took, each from when it was sent or due. */
export interface LoadResult {
  readonly requests: number;
  /** With those of the warm-up. */
  readonly answered: number;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers whose status was not 200; any makes the figure worthless. */
  readonly bad: number;
}

let program: Promise<string> | null = null;

/** The generator as a program: `load.c`, compiled once in this process; whoever measures from the first request has it made before. */
export function generator(): Promise<string> {
  program ??= (async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudlet-load-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'load');
    await promisify(execFile)(COMPILER, ['-O2', '-std=gnu17', '-o', path, SOURCE]).catch((error: Error) => {
      throw new Error(`expected ${COMPILER} to compile ${SOURCE}: ${error.message}; "npm test" installs it`);
    });
    return path;
  })();
  return program;
}

/**
 * Drives load at a server on loopback: the raw HTTP/1.1 request, keep-alive, over and over. The generator is a process of its own that waits by the microsecond: one in Node took twice
 * the processor, and its timers of a millisecond were most of what a paced request seemed to take.
 */
export async function load(options: LoadOptions, request: Buffer): Promise<LoadResult> {
  const { port, connections, warmupMs, durationMs, rps = 0 } = options;
  const child = spawn(await generator(), [port, connections, warmupMs, durationMs, rps].map(String), {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {}); // Why it ended says more.
  child.stdin.end(request);
  const [said, complaint, code] = await Promise.all([
    child.stdout.setEncoding('utf8').reduce((all: string, part: string) => all + part, ''),
    child.stderr.setEncoding('utf8').reduce((all: string, part: string) => all + part, ''),
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ]);
  if (code !== 0) throw new Error(`expected the load to come to its end, got: ${complaint.trim() || `exit ${code}`}`);
  const result = JSON.parse(said) as LoadResult;
  if (result.bad > 0) throw new Error(`${result.bad} of ${result.answered} answers were not 200`);
  return result;
}
