import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { HostLab } from '../../support/host-lab.ts';
import type { Result } from '../outcome.ts';
import type { SuiteTest } from './find-tests.ts';
import { GuestProgram } from './guest-program.ts';
import { packTest } from './pack-test.ts';
import { TestServers } from './test-servers.ts';
import type { Operation } from './test-spec.ts';

/** Runs one test on a host: publishes it with what it asks for, takes its steps, removes it. Never rejects. */
export async function runTest(host: HostLab, test: SuiteTest, name: string, stepMs: number): Promise<Result> {
  try {
    const servers = await TestServers.open(test.spec.servers);
    const run = new TestRun(host, test, name, servers, stepMs);
    try {
      for (const operation of test.spec.operations) await run.take(operation);
      return { kind: 'passed', said: run.said };
    } catch (error) {
      throw new Error(`${(error as Error).message} ${await run.log()}`, { cause: error });
    } finally {
      await run.close();
      await servers.close();
    }
  } catch (error) {
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

class TestRun {
  readonly #host: HostLab;
  readonly #test: SuiteTest;
  readonly #name: string;
  readonly #servers: TestServers;
  readonly #stepMs: number;
  readonly #sockets = new Map<string, Socket>();
  #program: GuestProgram | null = null;
  readonly #answers: string[] = [];
  #published = false;

  constructor(host: HostLab, test: SuiteTest, name: string, servers: TestServers, stepMs: number) {
    this.#stepMs = stepMs;
    this.#host = host;
    this.#test = test;
    this.#name = name;
    this.#servers = servers;
  }

  async take(operation: Operation): Promise<void> {
    switch (operation.type) {
      case 'run':
        return await this.#run(operation);
      case 'write':
        return this.#running.write(operation.payload);
      case 'read': {
        const got = await this.#running.read(operation.id, operation.payload.length);
        return this.#expect(operation.id, operation.payload, got);
      }
      case 'wait':
        return await this.#wait(operation.exitCode);
      case 'connect':
        return await this.#connect(operation.id);
      case 'send':
        this.#socket(operation.id).write(operation.payload);
        return;
      case 'recv':
        return this.#expect(
          operation.id,
          operation.payload,
          await receive(this.#socket(operation.id), operation.payload.length, this.#stepMs),
        );
      case 'request':
        return await this.#request(operation);
      case 'kill':
        return;
      default:
        operation satisfies never;
    }
  }

  /** What the program wrote, and the headers and bodies of its answers. */
  get said(): string {
    return `${this.#program?.stdout ?? ''}${this.#answers.join('\n')}`;
  }

  /** What the function's log holds: what the program wrote to standard error, and what the host said of it. */
  async log(): Promise<string> {
    if (!this.#published) return '';
    const response = await this.#host.ask(`/v1/functions/${this.#name}/logs?follow=false`);
    const lines = (await response.text()).matchAll(/^data: ?(.+)$/gm);
    return [...lines].map(([, line]) => (JSON.parse(line!) as { text: string }).text).join('');
  }

  async close(): Promise<void> {
    this.#program?.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    if (this.#published) await this.#host.ask(`/v1/functions/${this.#name}`, { method: 'DELETE' });
  }

  async #run({ args, env, root }: Extract<Operation, { type: 'run' }>): Promise<void> {
    const body = await packTest({
      wasm: this.#test.wasm,
      environment: { ...env, ...this.#servers.environment },
      root: root === null ? null : join(dirname(this.#test.wasm), root),
      http: this.#test.spec.proposals.includes('http') ? this.#servers.hosts : [],
      sockets: this.#test.spec.proposals.includes('sockets'),
      timeMs: this.#stepMs,
    });
    const response = await this.#host.ask(`/v1/functions/${this.#name}`, { method: 'PUT', ...body });
    if (!response.ok) throw new Error(`it cannot be published: ${await problem(response)}`);
    this.#published = true;
    if (this.#test.spec.world !== 'wasi:cli/command') return;
    const program = await GuestProgram.start(this.#host, this.#name, args, this.#stepMs);
    this.#program = program;
    if (!this.#test.spec.operations.some(({ type }) => type === 'write')) program.endInput();
  }

  async #wait(exitCode: number): Promise<void> {
    // A service has no end of its own: it is there until it is removed.
    if (this.#program === null) return;
    const got = await this.#program.wait();
    if (got !== exitCode) throw new Error(`expected exit status ${exitCode}, got ${got}; ${this.#program.complaint}`);
  }

  async #connect(id: string): Promise<void> {
    const line = await this.#running.readLine();
    const match = /^(.+):(\d+)$/.exec(line);
    if (match === null)
      throw new Error(`expected host:port on standard output, got ${JSON.stringify(line)}; ${this.#running.complaint}`);
    const socket = connect({ host: match[1]!, port: Number(match[2]) });
    this.#sockets.set(id, socket);
    await once(socket, 'connect');
  }

  async #request(operation: Extract<Operation, { type: 'request' }>): Promise<void> {
    const what = `${operation.method} ${operation.path}`;
    const sent = request(`${this.#host.url}/f/${this.#name}${operation.path}`, {
      method: operation.method,
      headers: { ...operation.headers, authorization: `Bearer ${this.#host.token}` },
      signal: AbortSignal.timeout(this.#stepMs),
    });
    sent.end(operation.body);
    const [response] = await once(sent, 'response');
    const body = await text(response);
    this.#answers.push(JSON.stringify(response.headers), body);
    const { status, headers, body: expected } = operation.response;
    if (response.statusCode !== status)
      throw new Error(`${what}: expected status ${status}, got ${response.statusCode}: ${body}`);
    for (const [name, value] of Object.entries(headers))
      this.#expect(`${what}: ${name}`, value, response.headers[name.toLowerCase()]);
    this.#expect(`${what}: body`, expected, body);
  }

  #expect(what: string, expected: string, got: unknown): void {
    if (got === expected) return;
    const said = this.#program === null ? '' : `; ${this.#program.complaint}`;
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}${said}`);
  }

  get #running(): GuestProgram {
    if (this.#program === null) throw new Error('expected a run before this step');
    return this.#program;
  }

  #socket(id: string): Socket {
    const socket = this.#sockets.get(id);
    if (socket === undefined) throw new Error(`expected a connect of ${id} before this step`);
    return socket;
  }
}

/** The next bytes from a socket as text, as many as asked for or until it ends. */
async function receive(socket: Socket, length: number, stepMs: number): Promise<string> {
  let received = '';
  const signal = AbortSignal.timeout(stepMs);
  while (received.length < length && !socket.readableEnded) {
    const part = socket.read() as Buffer | null;
    if (part === null) await Promise.race([once(socket, 'readable', { signal }), once(socket, 'end', { signal })]);
    else received += part.toString();
  }
  return received;
}

async function problem(response: Response): Promise<string> {
  const said = await response.text();
  try {
    return (JSON.parse(said) as { detail: string }).detail;
  } catch {
    return said;
  }
}
