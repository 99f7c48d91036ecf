import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClientOptions, type CloudletClient, createClient } from '../../../guest-sdk/client/index.ts';
import { hostEnvironment, hostFlags } from '../../../host/setup/host-flags.mjs';
import { type LinkShape, ShapedLink } from '../../support/shaped-link.ts';
import { freePort, Server } from '../server.ts';

const MAIN = fileURLToPath(new URL('../../../host/cli/main.ts', import.meta.url));

/** How long a host runs until what it keeps ahead is there. */
const REST_MS = 8000;

/** A device's way to the host. */
export interface Device {
  readonly client: CloudletClient;
  /** Asks for a path and gives the status; the body is read and left. */
  ask(path: string, init?: RequestInit): Promise<number>;
  /** Bytes that went to the host so far; null over the loopback itself. */
  sent(): number | null;
  close(): Promise<void>;
}

/** A real host with an empty data directory and a cache that outlives it. */
export class ProvisionHost {
  readonly #server: Server;
  readonly #data: string;
  readonly #token: string;
  /** Since when nothing was asked of it but what is no work. */
  #idleSinceMs = performance.now();

  private constructor(server: Server, data: string, token: string) {
    this.#server = server;
    this.#data = data;
    this.#token = token;
  }

  static async start(cache: string): Promise<ProvisionHost> {
    const data = await mkdtemp(join(tmpdir(), 'cloudlet-bench-data-'));
    const port = await freePort();
    const args = ['serve', '--port', String(port), '--data', data, '--cache', cache];
    const words = [...hostFlags(), MAIN, ...args];
    const server = await Server.start(process.execPath, words, port, '/readyz', hostEnvironment());
    return new ProvisionHost(server, data, (await readFile(join(data, 'owner-token'), 'utf8')).trim());
  }

  /** One that has run for a while: a blank VM and a translator wait in it. */
  static async rested(cache: string): Promise<ProvisionHost> {
    const host = await ProvisionHost.start(cache);
    await host.rest();
    return host;
  }

  /** Resolves when it has been idle for as long as it takes until what it keeps ahead is there again. */
  async rest(): Promise<void> {
    const leftMs = this.#idleSinceMs + REST_MS - performance.now();
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  }

  /** It had work until now. */
  worked(): void {
    this.#idleSinceMs = performance.now();
  }

  /** A device at this host; without a shape, on its own loopback. It has what a browser has, unless it is given more. */
  async device(
    shape: LinkShape | null,
    platform: Pick<ClientOptions, 'transport' | 'compression'> = {},
  ): Promise<Device> {
    const link = shape === null ? null : await ShapedLink.open(this.#server.port, shape);
    const url = `http://127.0.0.1:${link?.port ?? this.#server.port}`;
    const authorization = `Bearer ${this.#token}`;
    return {
      client: createClient({ url, token: this.#token, ...platform }),
      ask: async (path, init = {}) => {
        const response = await fetch(`${url}${path}`, { ...init, headers: { ...init.headers, authorization } });
        await response.arrayBuffer();
        return response.status;
      },
      sent: () => link?.passed.there ?? null,
      close: async () => link?.close(),
    };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#data, { recursive: true, force: true });
  }
}

/** Removes what a cache knows of functions; base images and what is the same for all functions stay. */
export async function forgetFunctions(cache: string): Promise<void> {
  await rm(join(cache, 'artifacts'), { recursive: true, force: true });
  const snapshots = join(cache, 'snapshots');
  for (const name of await readdir(snapshots).catch(() => [])) {
    const text = await readFile(join(snapshots, name, 'manifest.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const { conditions } = JSON.parse(text) as { conditions: { content: string | null } };
    if (conditions.content !== null) await rm(join(snapshots, name), { recursive: true, force: true });
  }
}
