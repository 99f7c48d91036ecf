import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadOptions, type LoadResult, load } from './load.ts';
import { processorNs } from './processor-use.ts';

/** How long a server that is being waited for may take to answer, milliseconds: one that never does must not be waited for. */
const ANSWER_MS = 10_000;

/** How long a server that is warm is sent requests before they count, milliseconds: all connections are there by then. */
const SETTLE_MS = 200;

/** How much of what a server said last is quoted when it ends too early. */
const TAIL_BYTES = 2_000;

/** A TCP port on loopback that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server under test, in a process of its own. */
export class Server {
  readonly port: number;
  readonly #child: ChildProcess;
  /** What it writes: a file, for whoever reads a pipe takes the processor of what is measured. */
  readonly #said: number;
  #stopped: Promise<void> | null = null;

  private constructor(port: number, child: ChildProcess, said: number) {
    this.port = port;
    this.#child = child;
    this.#said = said;
  }

  /** Starts the program and waits until `path` answers 200; quotes its last output when it ends before. */
  static async start(
    command: string,
    args: readonly string[],
    port: number,
    path: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Server> {
    const said = nameless();
    // A process group of its own, because some servers leave processes behind that they started.
    const child = spawn(command, args, {
      stdio: ['ignore', said, said],
      env: { ...process.env, ...env },
      detached: true,
    });
    const server = new Server(port, child, said);
    const deadline = performance.now() + 120_000;
    while (performance.now() < deadline) {
      if (child.exitCode !== null) {
        const tail = server.#tail();
        await server.stop();
        throw new Error(`${command} ended with ${child.exitCode}: ${tail}`);
      }
      const status = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) return server;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const tail = server.#tail();
    await server.stop();
    throw new Error(`${command} did not answer on ${path}: ${tail}`);
  }

  /** Of the program that was started. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The last that it wrote. */
  #tail(): string {
    const from = Math.max(0, fstatSync(this.#said).size - TAIL_BYTES);
    const tail = Buffer.alloc(TAIL_BYTES);
    return tail.toString('utf8', 0, readSync(this.#said, tail, 0, TAIL_BYTES, from));
  }

  /** Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      const firmly = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(firmly);
    }
    closeSync(this.#said);
    try {
      process.kill(-this.#child.pid!, 'SIGKILL');
    } catch {
      // Nothing of the group is left, as it should be.
    }
  }
}

/** A file that goes when nobody has it any more. */
function nameless(): number {
  const path = join(tmpdir(), `cloudlet-bench-${process.pid}-${performance.now()}`);
  const file = openSync(path, 'ax+', 0o600);
  unlinkSync(path);
  return file;
}

/** What a load took, and what each of its requests took of the processors, microseconds. */
export interface MeasuredLoad extends LoadResult {
  /** Of the server's own process. */
  readonly ownUs: number;
  /** Of those that it started. */
  readonly startedUs: number;
}

/** Drives load at a server that is warm already: `load`, and what it costs. */
export async function measuredLoad(
  server: Server,
  options: Omit<LoadOptions, 'port'>,
  request: Buffer,
): Promise<MeasuredLoad> {
  const { port, pid } = server;
  await load({ ...options, port, durationMs: 1 }, request);
  const before = processorNs(pid);
  const result = await load({ ...options, port, warmupMs: SETTLE_MS }, request);
  const after = processorNs(pid);
  const each = (ns: number) => Number((ns / 1000 / Math.max(1, result.answered)).toFixed(1));
  return { ...result, ownUs: each(after.own - before.own), startedUs: each(after.started - before.started) };
}

/** A raw HTTP/1.1 request for `load`. */
export function rawRequest(
  method: string,
  path: string,
  port: number,
  headers: Record<string, string> = {},
  body: Uint8Array = new Uint8Array(),
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body.length > 0 || method !== 'GET') lines.push(`content-length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}
