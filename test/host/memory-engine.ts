import {
  CloudletError,
  type Deployment,
  emptyGrant,
  type FunctionInfo,
  type LogLine,
  type Published,
  parseName,
  type RecentInvocation,
  type Status,
} from '../../guest-sdk/protocol/index.ts';
import { createApp } from '../../host/app.ts';
import { createJournal } from '../../host/journal.ts';
import { createMetrics } from '../../host/metrics.ts';
import type { Engine, HostParts } from '../../host/parts.ts';
import { createTrust, ownNames } from '../../host/trust/index.ts';
import type {
  CallOptions,
  CloudletEvent,
  HeaderPair,
  Invocation,
  InvocationEnd,
  InvocationRequest,
  LeaveSignal,
  TraceParent,
} from '../../runtime/index.ts';
import { DEFAULT_LIMITS, type Services } from '../../runtime/index.ts';
import { FakeVms, fakeServices } from '../support/fake-vm.ts';

/** The owner's token of every host under test. */
export const TOKEN = 'owner-token-of-the-test-suite-0123456789';

/** The span of every invocation of a memory engine. */
export const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;

/** Headers that let a test in. */
export const AS_OWNER = { authorization: `Bearer ${TOKEN}` };

/** One deployment `d1` that is ready, and takes whatever comes. */
function memoryDeployments(started: string[]): Engine['deployments'] {
  const ready: Deployment = {
    ...{ id: 'd1', kind: 'function', name: 'hello', function: 'hello', rung: 'package' },
    ...{ stage: 'ready', state: 'ready', bytesDone: 8, bytesTotal: 8, estimateS: null },
    ...{ startedAt: '2026-11-26T00:00:00Z', endedAt: '2026-11-26T00:00:01Z', address: '/v1/functions/hello' },
  };
  const get = (id: string): Deployment => {
    if (id === 'd1') return ready;
    throw new CloudletError('not-found', `expected a deployment of this cloudlet, got ${id}`);
  };
  return {
    get,
    ask: async () => ({ deployment: ready, missing: [] }),
    coming: async () => {},
    publish: async (name, body) => {
      started.push(`deploy ${name}`);
      await collect(body);
      return ready;
    },
    list: () => [ready],
    async *events(id, after = 0) {
      const states = [{ ...get(id), stage: 'receiving', state: 'receiving' }, ready];
      for (const [at, data] of states.entries()) if (at + 1 > after) yield { id: at + 1, event: 'state', data };
    },
    wanted: () => ({ wanted: [], missing: 0 }),
    part: async () => ({ wanted: [], missing: 0 }),
    dictionaries: {
      read: async (digest) => {
        throw new CloudletError('conflict', `expected a dictionary that is stored here, got ${digest}`);
      },
    },
    cancel: async (id) => get(id),
  };
}

/** What a guest under test does with a request: the engine's side of `invoke`. */
export type Guest = (
  request: InvocationRequest,
  input: AsyncIterable<Uint8Array>,
  signal: LeaveSignal | undefined,
) => Promise<GuestAnswer>;

/** A guest's answer as the test writes it. */
export interface GuestAnswer {
  readonly head?: { readonly status: number; readonly headers: readonly HeaderPair[] };
  readonly output: AsyncIterable<Uint8Array>;
  /** All bytes, of an answer that has ended when it begins. */
  readonly whole?: Uint8Array;
  readonly end?: Partial<InvocationEnd>;
}

/** An engine that holds its functions in memory and runs JavaScript for guests: for what the host does around an engine, not for what the engine does. */
export class MemoryEngine implements Engine {
  readonly id = 'cl-0a1b2c3d';
  readonly ownerToken = TOKEN;
  readonly fingerprint = 'A'.repeat(43);
  /** Every call that changes or runs something, in order. */
  readonly started: string[] = [];
  readonly bodies = new Map<string, Uint8Array>();
  /** What the last invocation was told of its caller's trace. */
  lastTrace: TraceParent | null | undefined;
  readonly lastCall: { args: unknown; options: CallOptions | null; target: string } = {
    args: null,
    options: null,
    target: '',
  };
  /** A test that asks for entries puts a catalogue here, such as that of a `CatalogueLab`. */
  catalogue = {} as Engine['catalogue'];
  /** A test that asks for a registry puts a real cloudlet's here. */
  distribution = {} as Engine['distribution'];
  publishers = {} as Engine['publishers'];
  /** A test that runs services puts what listens in them into `vms.ports`. */
  readonly vms = new FakeVms();
  readonly services: Services = fakeServices(this.vms);
  /** A test that asks for versions puts some here. */
  versions = {} as Engine['versions'];
  guest: Guest = async () => ({ output: chunks() });
  result: (args: unknown) => unknown = (args) => args;
  readonly #listeners = new Set<(event: CloudletEvent) => void>();

  async publish(...[name, body, options]: Parameters<Engine['publish']>): Promise<Published> {
    this.started.push(`publish ${name}`);
    const bytes = await collect(body);
    if (options?.contentLength !== undefined && options.contentLength !== bytes.length) {
      throw new CloudletError('body-truncated', `expected ${options.contentLength} bytes, got ${bytes.length}`);
    }
    const known = this.bodies.get(name);
    this.bodies.set(name, bytes);
    const created = known === undefined || Buffer.compare(known, bytes) !== 0;
    return {
      name,
      version: 1,
      digest: `sha256:${'0'.repeat(64)}`,
      sizeBytes: bytes.length,
      address: `/v1/functions/${name}`,
      created,
    };
  }

  readonly deployments = memoryDeployments(this.started);

  async functions(): Promise<FunctionInfo[]> {
    return await Promise.all([...this.bodies.keys()].map((name) => this.function(parseName(name))));
  }

  async function(...[name]: Parameters<Engine['function']>): Promise<FunctionInfo> {
    const bytes = this.#bytes(name);
    const digest = `sha256:${'0'.repeat(64)}`;
    return {
      ...{ name, version: 1, digest, sizeBytes: bytes.length, state: 'cold', doors: ['run'], exports: [], imports: [] },
      grant: emptyGrant(),
      stores: { keyValueBytes: 0, blobBytes: 0 },
      versions: [{ version: 1, digest, sizeBytes: bytes.length, publishedAt: '2026-11-22T00:00:00Z' }],
    };
  }

  async remove(...[name]: Parameters<Engine['remove']>): Promise<void> {
    this.#bytes(name);
    this.started.push(`remove ${name}`);
    this.bodies.delete(name);
  }

  async rollback(...[name, version]: Parameters<Engine['rollback']>): Promise<FunctionInfo> {
    this.started.push(`rollback ${name} ${version ?? 'previous'}`);
    return await this.function(name);
  }

  async component(...[name]: Parameters<Engine['component']>): ReturnType<Engine['component']> {
    const bytes = this.#bytes(name);
    const { digest } = await this.function(name);
    return {
      version: 1,
      digest: digest as Awaited<ReturnType<Engine['component']>>['digest'],
      sizeBytes: bytes.length,
      bytes: chunks(bytes),
    };
  }

  async setSecret(...[name, key]: Parameters<Engine['setSecret']>): Promise<void> {
    this.#bytes(name);
    this.started.push(`set ${key} of ${name}`);
  }

  async removeSecret(...[name, key]: Parameters<Engine['removeSecret']>): Promise<void> {
    this.#bytes(name);
    this.started.push(`remove ${key} of ${name}`);
  }

  async invoke(...[name, request, input, options]: Parameters<Engine['invoke']>): Promise<Invocation> {
    this.#bytes(name);
    this.started.push(`${request.door} ${name}`);
    this.lastTrace = options?.trace;
    options?.begun?.({ id: 'i1', version: 1, traceparent: TRACEPARENT });
    const answer = await this.guest(request, input instanceof Uint8Array ? chunks(input) : input, options?.signal);
    const { promise: done, resolve, reject } = Promise.withResolvers<InvocationEnd>();
    done.catch(() => {
      // As the engine promises: never an unhandled rejection.
    });
    const end = () => resolve({ exitCode: 0, trailers: [], runMs: 3.25, ...answer.end });
    const streamed = (async function* () {
      try {
        yield* answer.output;
        end();
      } catch (error) {
        reject(error);
        throw error;
      }
    })();
    const { whole } = answer;
    const atOnce = () => {
      end();
      return whole!;
    };
    const output = whole === undefined ? streamed : Object.assign(streamed, { whole: atOnce });
    const timing = { queueMs: 0.5, startMs: 84, start: 'boot' } as const;
    const { head = null } = answer;
    return { id: 'i1', door: request.door, version: 1, traceparent: TRACEPARENT, timing, head, output, done };
  }

  async call(...[name, target, args, options]: Parameters<Engine['call']>): ReturnType<Engine['call']> {
    this.#bytes(name);
    this.started.push(`call ${name} ${target}`);
    Object.assign(this.lastCall, { args, options, target });
    this.lastTrace = options.trace;
    options.begun?.({ id: 'i2', version: 1, traceparent: TRACEPARENT });
    return {
      id: 'i2',
      version: 1,
      traceparent: TRACEPARENT,
      value: this.result(args),
      timing: { queueMs: 0, startMs: 0, start: 'idle', runMs: 1 },
    };
  }

  async *logs(...[, options]: Parameters<Engine['logs']>): AsyncGenerator<LogLine, void, undefined> {
    const facts = { at: '2026-11-22T00:00:00Z', version: 1, invocation: 'i1', stream: 'stdout' } as const;
    if ((options?.after ?? 0) < 7) yield { seq: 7, ...facts, text: 'first\nline' };
    if (options?.follow !== true) return;
    await new Promise<void>((resolve) => options.signal?.addEventListener('abort', () => resolve()));
  }

  recent(): RecentInvocation[] {
    return [];
  }

  invocation(id: string): RecentInvocation {
    throw new CloudletError('not-found', `expected an invocation, got ${id}`);
  }

  sandboxes(): [] {
    return [];
  }

  async status(): Promise<Status> {
    return {
      ...{
        id: this.id,
        name: 'test',
        version: '0.1.0',
        sandbox: 'process',
        mechanisms: ['push'],
        stores: { keyValueBytes: 300, blobBytes: 5000 },
        functions: this.bodies.size,
        machines: 0,
        uptimeS: 1,
      },
      accelerator: { kind: 'none', isolates: false, meaning: 'guests run in processes' },
      limits: { componentBytes: 1, bodyBytes: 1, deadlineMs: 1, memoryMib: 1, machines: 1, sandboxBytes: 1 },
      load: { invocationsRunning: 0, invocationsQueued: 0, sandboxesPaused: 0, sandboxBytes: 0, rssBytes: 1 },
    };
  }

  subscribe(listener: (event: CloudletEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody who subscribed. */
  tell(event: CloudletEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async close(): Promise<void> {}

  #bytes(name: string): Uint8Array {
    const bytes = this.bodies.get(name);
    if (bytes === undefined) throw new CloudletError('function-unknown', `expected a published function, got ${name}`);
    return bytes;
  }
}

/** A host around a memory engine that knows the function `hello`. */
export function testHost(changes: Partial<HostParts> = {}): {
  readonly engine: MemoryEngine;
  readonly app: ReturnType<typeof createApp>;
  readonly parts: HostParts;
  readonly journal: string[];
  readonly drain: () => void;
} {
  const engine = new MemoryEngine();
  engine.bodies.set('hello', new Uint8Array([0, 97, 115, 109]));
  const journal: string[] = [];
  const draining = new AbortController();
  const parts: HostParts = {
    cloudlet: engine,
    limits: DEFAULT_LIMITS,
    trust: createTrust({ id: engine.id, ownerToken: TOKEN, names: ownNames({ bind: '127.0.0.1', id: engine.id }) }),
    journal: createJournal({ write: (line) => journal.push(line), readable: false }),
    metrics: createMetrics(),
    draining: draining.signal,
    ...changes,
  };
  return { engine, app: createApp(parts), parts, journal, drain: () => draining.abort() };
}

/** A stream of these chunks. */
export async function* chunks(...all: (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const one of all) yield typeof one === 'string' ? Buffer.from(one) : one;
}

/** Everything a stream gives, joined. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
