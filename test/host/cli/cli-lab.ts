/**
 * The real `cloudlet` as a child process, and a real host for it to talk to.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lendArtifacts, takeArtifacts } from '../../support/kept-artifact.ts';

/** The program of the command. */
export const MAIN = fileURLToPath(new URL('../../../host/cli/main.ts', import.meta.url));

/** How a command ended and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly text: string;
  readonly errors: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves once stdout and stderr together match; rejects when the command ends before. */
  readonly said: (pattern: RegExp) => Promise<void>;
  /** Where a host says that it serves. */
  readonly address: () => Promise<string>;
}

/** A folder of its own, in which commands run as a user would run them, with nothing of this process's environment. */
export class CliLab {
  readonly folder: string;
  readonly environment: Record<string, string>;
  readonly #running = new Set<Running>();

  private constructor(folder: string) {
    this.folder = folder;
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      CLOUDLET_DATA: join(folder, 'data'),
      CLOUDLET_CACHE: join(folder, 'cache'),
      CLOUDLET_URL: 'http://127.0.0.1:1',
    };
  }

  static async open(): Promise<CliLab> {
    return new CliLab(await mkdtemp(join(tmpdir(), 'cloudlet-cli-')));
  }

  get #artifacts(): string {
    return join(this.environment['CLOUDLET_CACHE']!, 'artifacts');
  }

  /** Starts a host on a free port, which the commands to come talk to; it has what others like it have translated. */
  async serve(): Promise<void> {
    await lendArtifacts(this.#artifacts);
    const host = this.start(['serve', '--port', '0', '--sandbox', 'process']);
    this.environment['CLOUDLET_URL'] = await host.address();
  }

  /** Starts a command. */
  start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd: this.folder,
      env: { ...this.environment, ...environment },
    });
    // A command that does not read all of its input is no failure of the test.
    child.stdin.on('error', () => {});
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const sofar = (): string => Buffer.concat([...output, ...errors]).toString();
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        const stdout = Buffer.concat(output);
        resolve({ status, signal, stdout, text: stdout.toString(), errors: Buffer.concat(errors).toString() });
      });
    });
    const said = (pattern: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(sofar())) resolve();
        };
        for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
        void ended.then(() => reject(new Error(`it ended before it said ${pattern}: ${sofar()}`)));
        look();
      });
    const address = async (): Promise<string> => {
      await said(/Cloudlet serves at \S+ /);
      return /Cloudlet serves at (\S+) /.exec(sofar())![1]!;
    };
    const running = { child, ended, said, address };
    this.#running.add(running);
    void ended.finally(() => this.#running.delete(running));
    return running;
  }

  /** Runs a command to its end, with `input` as its whole stdin. */
  async run(
    words: readonly string[],
    { input = '', environment = {} }: { input?: string | Uint8Array; environment?: Record<string, string> } = {},
  ): Promise<Ended> {
    const running = this.start(words, environment);
    running.child.stdin.end(input);
    return await running.ended;
  }

  /** Stops what still runs, also after a test that failed half-way, and removes the folder. */
  async close(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGTERM');
    await Promise.all([...this.#running].map(({ ended }) => ended));
    await takeArtifacts(this.#artifacts);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Resolves once a host takes work; asks again while it says that it is starting. */
export async function waitUntilReady(url: string): Promise<void> {
  for (;;) {
    const { status } = await fetch(`${url}/readyz`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
