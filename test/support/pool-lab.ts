import * as assert from 'uvu/assert';
import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';
import {
  type CallInput,
  type Invocation,
  type InvokeRequest,
  type LoadedVersion,
  type PoolOptions,
  SandboxPool,
} from '../../runtime/sandbox/index.ts';
import { FakeClock } from './fake-clock.ts';
import { FAKE_WORKERS, FakeMachine } from './fake-machine.ts';
import { FakeSource } from './fake-source.ts';

/** A request that any command takes. */
export const RUN = { door: 'run', arguments: [] } as const;
/** Input of no bytes. */
export const EMPTY = new Uint8Array(0);
/** Bytes of a mebibyte. */
export const MIB = 1024 * 1024;

/** A pool over fake machines, and what it reported. By default one sandbox for each version and memory without end. */
export class PoolLab {
  readonly clock = new FakeClock();
  readonly machines: FakeMachine[] = [];
  readonly reported: string[] = [];
  readonly source: FakeSource;
  readonly pool: SandboxPool;
  /** Whether invocations may be repeated. */
  idempotent = true;
  /** Deadline of the invocations to come. */
  deadlineMs = 1000;
  /** Private memory of the machines to come, bytes. */
  memoryBytes = 20 * MIB;
  /** What the machines to come have needed of processors, nanoseconds; null: not known. */
  needNs: number | null = null;
  /** Processors of the machines to come. */
  processors = FAKE_WORKERS;
  /** Asked before each machine is started; may wait or throw. */
  gate: () => Promise<void> = async () => {};
  #asked: ((machine: FakeMachine) => void)[] = [];

  constructor(options: Partial<PoolOptions> & { workers?: number; lines?: number; loadError?: string } = {}) {
    const { workers, lines, loadError, ...rest } = options;
    this.source = new FakeSource(async () => {
      await this.gate();
      const machine = new FakeMachine(`m${this.machines.length + 1}`, {
        ...(workers === undefined ? {} : { workers }),
        ...(lines === undefined ? {} : { lines }),
        loadError,
      });
      machine.memoryBytes = this.memoryBytes;
      machine.needNs = this.needNs;
      machine.processors = this.processors;
      this.machines.push(machine);
      this.#asked.shift()?.(machine);
      return machine;
    }, this.clock);
    this.pool = new SandboxPool({
      machines: 8,
      sandboxes: 1,
      starts: 8,
      memoryBytes: 2 ** 40,
      clock: this.clock,
      source: this.source,
      observer: {
        sandboxStarted: ({ id, version, via }) => this.reported.push(`${id} started ${version} via ${via}`),
        sandboxParked: ({ id }) => this.reported.push(`${id} parked`),
        prepared: ({ version }) => this.reported.push(`${version} prepared`),
        troubled: ({ version, reason }) => this.reported.push(`${version} troubled: ${reason}`),
        sandboxClosed: ({ id, version, cause }) => this.reported.push(`${id} closed ${version} ${cause}`),
        outsideFailed: ({ version, service, reason }) =>
          this.reported.push(`${service} of ${version} failed: ${reason}`),
        startFailed: ({ version }) => this.reported.push(`no start for ${version}`),
        log: ({ invocation, version, stream, text }) =>
          this.reported.push(`${invocation} of ${version} ${stream}: ${text}`),
      },
      ...rest,
    });
  }

  invoke(
    version: LoadedVersion,
    input: CallInput = EMPTY,
    signal?: AbortSignal,
    request: InvokeRequest = RUN,
  ): Promise<Invocation> {
    const started = this.pool.invoke(version, request, input, {
      deadlineMs: this.deadlineMs,
      idempotent: this.idempotent,
      ...(signal === undefined ? {} : { signal }),
    });
    // A test that fails before it looks at this one must be able to say why.
    started.catch(() => {});
    return started;
  }

  /** The machine with this number, counted from 1, also when it is still to come. */
  machine(number: number): Promise<FakeMachine> {
    const known = this.machines[number - 1];
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  /** Runs one invocation to its end in the machine that it should go to. */
  async complete(version: LoadedVersion, number: number): Promise<Invocation> {
    const started = this.invoke(version);
    (await (await this.machine(number)).agent.next()).done();
    const invocation = await started;
    await invocation.done;
    await settled();
    return invocation;
  }

  /** Lets time pass in steps, and everything happen that follows from each. */
  async pass(ms: number, stepMs = ms): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(stepMs);
      await settled();
    }
  }

  /** State of each sandbox that exists, by its version. */
  states(): string[] {
    return this.pool.sandboxes().map(({ version, sandbox }) => `${version} ${sandbox.state}`);
  }
}

/** Lets everything happen that needs no time and no outside. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
}

/** All output of an invocation. */
export async function textOf(invocation: Invocation): Promise<string> {
  let text = '';
  for await (const bytes of invocation.output) text += Buffer.from(bytes).toString();
  return text;
}

/** The code with which something fails that must fail. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  return (await failureOf(promise)).code;
}

/** What something fails with that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<CloudletError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, CloudletError);
    return error as CloudletError;
  }
  throw new Error('expected a failure');
}
