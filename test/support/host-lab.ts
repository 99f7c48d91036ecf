/**
 * A real host as a process of its own, spoken to over HTTP like any caller.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostEnvironment, hostFlags } from '../../host/setup/host-flags.mjs';
import { guest } from './guest.ts';
import { TEST_CACHE } from './microvm-lab.ts';

const MAIN = fileURLToPath(new URL('../../host/cli/main.ts', import.meta.url));

/** A running host and its data directory. */
export class HostLab {
  readonly folder: string;
  readonly #cache: string;
  url = '';
  token = '';
  #child: ChildProcess | null = null;

  private constructor(folder: string, cache: string) {
    this.folder = folder;
    this.#cache = cache;
  }

  /** Starts a host with an empty data directory, and what its operator lets functions have. Base images and translated components are kept between tests. */
  static async open(
    sandbox: 'microvm' | 'process',
    policy: object | null = null,
    cache: string = TEST_CACHE,
  ): Promise<HostLab> {
    const lab = new HostLab(await mkdtemp(join(tmpdir(), 'cloudlet-host-lab-')), cache);
    await lab.start(sandbox, policy);
    return lab;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Resident memory of the host's own process, MiB. */
  get rssMib(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  /** Starts the host again on the same data directory. */
  async start(sandbox: 'microvm' | 'process', policy: object | null = null): Promise<void> {
    const data = join(this.folder, 'data');
    const args = [MAIN, 'serve', '--port', '0', '--data', data, '--cache', this.#cache, '--sandbox', sandbox];
    if (policy !== null) {
      const file = join(this.folder, 'policy.json');
      await writeFile(file, JSON.stringify(policy));
      args.push('--policy', file);
    }
    // As the `start` script and the launcher run it; see host/setup.
    const env = { ...hostEnvironment(), ...process.env };
    const child = spawn(process.execPath, [...hostFlags(), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child = child;
    let said = '';
    child.stderr!.on('data', (chunk) => {
      said = (said + chunk).slice(-4000);
    });
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the host ended: ${said}`)));
    ended.catch(() => undefined);
    for (let line = ''; !/Cloudlet serves at \S+/.test(line); ) {
      const [chunk] = (await Promise.race([once(child.stdout!, 'data'), ended])) as [Buffer];
      line += chunk.toString();
      this.url = /Cloudlet serves at (\S+)/.exec(line)?.[1] ?? '';
    }
    this.token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  }

  /** Asks as the owner. */
  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string>) };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  /** Publishes a component file, or a test guest by its name. */
  async publish(name: string, component = name): Promise<Response> {
    const bytes = await readFile(component.includes('/') ? component : await guest(component));
    const response = await this.ask(`/v1/functions/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/wasm' },
      body: new Uint8Array(bytes),
    });
    if (!response.ok) throw new Error(`publishing ${name}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** How the host ended, once it has: its status and its signal. */
  get ended(): Promise<readonly [code: number | null, signal: string | null]> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve([child.exitCode, child.signalCode]);
    return once(child, 'exit') as Promise<[number | null, string | null]>;
  }

  /** Kills the host without a word. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops the host as an operator would, and removes its data. */
  async close(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
