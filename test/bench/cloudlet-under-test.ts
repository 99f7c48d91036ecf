import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostEnvironment, hostFlags } from '../../host/setup/host-flags.mjs';
import { guest } from '../support/guest.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';
import { freePort, Server } from './server.ts';

const MAIN = fileURLToPath(new URL('../../host/cli/main.ts', import.meta.url));

/** A real host with test guests published under their own names, spoken to as its owner. */
export class CloudletUnderTest {
  readonly server: Server;
  readonly authorization: string;
  /** What machines run under: `kvm`, `tcg`, or `none` for processes. */
  readonly accelerator: string;

  private constructor(server: Server, authorization: string, accelerator: string) {
    this.server = server;
    this.authorization = authorization;
    this.accelerator = accelerator;
  }

  /** Starts a host on an empty data directory and publishes. */
  static async start(
    sandbox: 'process' | 'microvm',
    data: string,
    guests: readonly string[],
  ): Promise<CloudletUnderTest> {
    const port = await freePort();
    const args = ['serve', '--port', String(port), '--data', data, '--cache', TEST_CACHE, '--sandbox', sandbox];
    const words = [...hostFlags(), MAIN, ...args];
    const server = await Server.start(process.execPath, words, port, '/readyz', hostEnvironment());
    try {
      const authorization = `Bearer ${(await readFile(join(data, 'owner-token'), 'utf8')).trim()}`;
      const status = await fetch(`http://127.0.0.1:${port}/v1/status`, { headers: { authorization } });
      const { accelerator } = (await status.json()) as { accelerator: { kind: string } };
      const host = new CloudletUnderTest(server, authorization, accelerator.kind);
      for (const name of guests) await host.publish(name);
      return host;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Calls an export and gives the answer's bytes; `status` is what is expected. */
  async call(
    name: string,
    target: string,
    body: Uint8Array<ArrayBuffer>,
    expected: Expected = {},
  ): Promise<Uint8Array> {
    const { status = 200, deadlineMs } = expected;
    const response = await fetch(`http://127.0.0.1:${this.server.port}/v1/functions/${name}/call/${target}`, {
      method: 'POST',
      headers: {
        authorization: this.authorization,
        'content-type': 'application/msgpack',
        accept: 'application/msgpack, application/problem+json',
        ...(deadlineMs === undefined ? {} : { 'cloudlet-deadline-ms': String(deadlineMs) }),
      },
      body,
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    if (response.status !== status) throw new Error(`${name}.${target}: ${response.status} ${Buffer.from(answer)}`);
    return answer;
  }

  async publish(name: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.server.port}/v1/functions/${name}`, {
      method: 'PUT',
      headers: { authorization: this.authorization, 'content-type': 'application/wasm' },
      body: new Uint8Array(await readFile(await guest(name))),
    });
    if (!response.ok) throw new Error(`publishing ${name}: ${response.status} ${await response.text()}`);
  }

  async remove(name: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.server.port}/v1/functions/${name}`, {
      method: 'DELETE',
      headers: { authorization: this.authorization },
    });
    if (!response.ok) throw new Error(`removing ${name}: ${response.status} ${await response.text()}`);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

/** What a call is expected to be. */
export interface Expected {
  /** HTTP status, default 200. */
  readonly status?: number;
  readonly deadlineMs?: number;
}

/** The median of some times, milliseconds. */
export function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
