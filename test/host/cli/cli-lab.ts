/**
 * The real `cloudlet` as a child process, and a real host for it to talk to.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../host/cli/main.ts', import.meta.url));

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
}

/** A folder of its own, in which commands run as a user would run them, with nothing of this process's environment. */
export class CliLab {
  readonly folder: string;
  readonly environment: Record<string, string>;
  #host: Running | undefined;

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

  /** Starts a host on a free port, which the commands to come talk to. */
  async serve(): Promise<void> {
    this.#host = this.start(['serve', '--port', '0', '--sandbox', 'process']);
    await this.#host.said(/Cloudlet serves at \S+/);
    this.environment['CLOUDLET_URL'] = /http:\S+/.exec(outputOf(this.#host))![0];
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
    const running = { child, ended, said };
    outputs.set(running, sofar);
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

  /** Stops the host, if there is one, and removes the folder. */
  async close(): Promise<void> {
    this.#host?.child.kill('SIGTERM');
    await this.#host?.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

const outputs = new WeakMap<Running, () => string>();

/** All that a running command has written. */
export function outputOf(running: Running): string {
  return outputs.get(running)!();
}
