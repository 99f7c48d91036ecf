/**
 * Projects built from source and run in a process sandbox, through the same codecs as a cloudlet's doors.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Build, build } from '../../guest-sdk/build/index.ts';
import {
  askedGrant,
  decodeArguments,
  emptyGrant,
  encodeResult,
  type Limits,
  readBindingValue,
  type WitFunction,
  writeBindingValue,
} from '../../guest-sdk/protocol/index.ts';
import type { HeadMessage, InvokeRequest } from '../../runtime/agent/wire.ts';
import { readStackMap, type StackMap } from '../../runtime/component/index.ts';
import { transpile } from '../../runtime/component/transpile.ts';
import type { OutsideServices } from '../../runtime/outside/outside-service.ts';
import type { CallInput } from '../../runtime/sandbox/channel/call.ts';
import type { CallOutside } from '../../runtime/sandbox/channel/call-asks.ts';
import { type Sandbox, startSandbox } from '../../runtime/sandbox/index.ts';
import { finish, LogCollector, startTestProcess } from './sandbox-lab.ts';

const LIMITS = { memoryMib: 256, deadlineMs: 60_000, concurrency: 4, valueBytes: 16 * 1024 * 1024, logBytes: 65_536 };

/** What a request to an http function may say. */
export interface TestRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: CallInput;
}

/** A function that was built from a project and loaded. */
export class BuiltFunction {
  readonly build: Build;
  /** The author's own positions in stacks that the engine writes; null without a source map. */
  readonly stackMap: StackMap | null;
  readonly #functions: readonly WitFunction[];
  readonly #sandbox: Sandbox;
  readonly #outside: CallOutside;

  private constructor(
    made: Build,
    component: Uint8Array,
    functions: readonly WitFunction[],
    sandbox: Sandbox,
    services: OutsideServices,
  ) {
    this.build = made;
    this.stackMap = readStackMap(component);
    this.#functions = functions;
    this.#sandbox = sandbox;
    this.#outside = {
      services,
      failed: (service, error) => {
        throw new Error(`the service ${service} failed`, { cause: error });
      },
    };
  }

  /** Builds the project in `folder`, leaving nothing there, and loads it with the arguments, environment, scratch and limits that it wishes; `services` is what it may ask of its host. */
  static async open(
    folder: string,
    { services = {} }: { readonly services?: OutsideServices } = {},
  ): Promise<BuiltFunction> {
    const output = await mkdtemp(join(tmpdir(), 'cloudlet-built-'));
    try {
      const made = await build(folder, { output });
      const component = await readFile(made.component);
      const artifact = await transpile(component, made.digest);
      const { arguments: args, environment, limits, scratch } = askedGrant(made.project.grant);
      const grant = {
        ...emptyGrant({ ...LIMITS, ...(limits as Partial<Limits>) }),
        arguments: args,
        environment,
        scratch,
      };
      const sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(2) });
      const files = scratch.map(({ path }) => {
        return { path, at: path.split('/').filter((word) => word !== ''), writable: true, files: [] };
      });
      await sandbox.load({ program: made.project.name, artifact, grant, files });
      return new BuiltFunction(
        made,
        component,
        artifact.manifest.functions.map((each) => each.wit),
        sandbox,
        services,
      );
    } finally {
      await rm(output, { recursive: true });
    }
  }

  /** Names of the functions for typed calls. */
  get exports(): readonly string[] {
    return this.#functions.map((fn) => fn.name);
  }

  /** A typed call with arguments and result as JSON carries them. */
  async call(name: string, ...args: unknown[]): Promise<unknown> {
    const fn = this.#functions.find((each) => each.name === name);
    if (fn === undefined) throw new Error(`there is no ${name} among ${this.exports.join(', ')}`);
    const input = writeBindingValue(decodeArguments(fn, args, 'json'));
    const { output } = await this.#finish({ door: 'call', target: name }, input);
    const value = encodeResult(fn, readBindingValue(output), 'json', LIMITS.valueBytes);
    return JSON.parse(JSON.stringify(value));
  }

  /** A run as a command. */
  async run(args: readonly string[], input: CallInput = new Uint8Array(0)) {
    const { output, end, log } = await this.#finish({ door: 'run', arguments: [...args] }, input);
    return { status: end.exitCode, stdout: output, stderr: log.stderr };
  }

  /** A request over wasi:http. */
  async http(path: string, request: TestRequest = {}) {
    const headers = Object.entries(request.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)] as const);
    const message: InvokeRequest = {
      door: 'http',
      method: request.method ?? 'GET',
      scheme: 'http',
      authority: 'cloudlet.test:8080',
      path,
      headers: headers.map(([name, value]) => [name, value]),
    };
    const { output, head, log, text } = await this.#finish(message, request.body ?? new Uint8Array(0));
    return { status: head?.status, headers: headersOf(head), body: output, text, log };
  }

  async close(): Promise<void> {
    await this.#sandbox.close();
  }

  async #finish(request: InvokeRequest, input: CallInput) {
    const log = new LogCollector();
    const call = this.#sandbox.invoke(request, input, {
      deadlineMs: LIMITS.deadlineMs,
      log: log.take,
      outside: this.#outside,
    });
    return { ...(await finish(call)), log };
  }
}

function headersOf(head: HeadMessage | null): [string, string][] {
  return (head?.headers ?? []).map(([name, value]) => [name, Buffer.from(value).toString()]);
}
