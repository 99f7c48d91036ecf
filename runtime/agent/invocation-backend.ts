import {
  type BlobBackend,
  type ByteSink,
  type ByteSource,
  DEFAULT_LIMITS,
  type FileTree,
  type HttpClient,
  type KeyValueBackend,
  type LogLevel,
  type NetworkBackend,
  type UseObserver,
  type WasiBackend,
  type WasiClock,
  type WasiLimits,
} from '../wasi/index.ts';
import { agentClock } from './agent-clock.ts';
import { kernelRandom } from './kernel-random.ts';
import { blobsOver } from './outside/blobs.ts';
import { OutsideHttpClient } from './outside/http-client.ts';
import { keyValueOver } from './outside/keyvalue.ts';
import { OutsideNetwork } from './outside/network.ts';
import type { Outside } from './outside/outside.ts';
import type { InvokeMessage, LoadMessage } from './wire.ts';

/** Where what goes in and out of one invocation comes from and goes to. Asked for when the guest asks for it. */
export interface InvocationStreams {
  readonly stdin: ByteSource;
  readonly outside: Outside;
  /** A tree of its own, which is made when it is first asked for. */
  files(): FileTree;
  /** Null for an invocation that nobody asked for. */
  readonly use: UseObserver | null;
  output(stream: 'stdout' | 'stderr'): ByteSink;
  log(level: LogLevel, context: string, message: string): void;
  /** Told how many bytes of the guest went outside. */
  passed(bytes: number): void;
}

/** Everything that the guest of one invocation is given. Most use little of it, so that each part is made when it is asked for. */
export class InvocationBackend implements WasiBackend {
  readonly clock: WasiClock = agentClock;
  readonly limits: WasiLimits;
  readonly #load: LoadMessage;
  readonly #request: InvokeMessage;
  readonly #streams: InvocationStreams;
  #random: ((bytes: Uint8Array) => void) | null = null;
  #stdout: ByteSink | null = null;
  #stderr: ByteSink | null = null;
  #keyValue: KeyValueBackend | null = null;
  #blobs: BlobBackend | null = null;
  #httpClient: HttpClient | null = null;
  #network: NetworkBackend | null = null;

  constructor(load: LoadMessage, request: InvokeMessage, streams: InvocationStreams) {
    this.#load = load;
    this.#request = request;
    this.#streams = streams;
    this.limits = limitsOf(load);
  }

  get files(): FileTree | null {
    return this.#streams.files();
  }

  get use(): UseObserver | undefined {
    return this.#streams.use ?? undefined;
  }

  get environment(): WasiBackend['environment'] {
    return this.#load.environment;
  }

  get configuration(): WasiBackend['configuration'] {
    return this.#load.configuration;
  }

  get arguments(): readonly string[] {
    const { program, arguments: granted } = this.#load;
    return [program, ...granted, ...(this.#request.door === 'run' ? this.#request.arguments : [])];
  }

  get stdin(): ByteSource {
    return this.#streams.stdin;
  }

  get stdout(): ByteSink {
    this.#stdout ??= this.#streams.output('stdout');
    return this.#stdout;
  }

  get stderr(): ByteSink {
    this.#stderr ??= this.#streams.output('stderr');
    return this.#stderr;
  }

  get keyValue(): KeyValueBackend {
    this.#keyValue ??= keyValueOver(this.#streams.outside);
    return this.#keyValue;
  }

  get blobs(): BlobBackend {
    this.#blobs ??= blobsOver(this.#streams.outside);
    return this.#blobs;
  }

  get httpClient(): HttpClient {
    const { traceparent, tracestate } = this.#request;
    this.#httpClient ??= new OutsideHttpClient(this.#streams.outside, {
      passed: (bytes) => this.#streams.passed(bytes),
      traceparent,
      tracestate,
    });
    return this.#httpClient;
  }

  get network(): NetworkBackend {
    this.#network ??= new OutsideNetwork(this.#streams.outside, (bytes) => this.#streams.passed(bytes));
    return this.#network;
  }

  random(bytes: Uint8Array): void {
    this.#random ??= kernelRandom();
    this.#random(bytes);
  }

  log(level: LogLevel, context: string, message: string): void {
    this.#streams.log(level, context, message);
  }
}

/** Merged once for each load. */
const LIMITS = new WeakMap<LoadMessage['limits'], WasiLimits>();

function limitsOf({ limits }: LoadMessage): WasiLimits {
  let merged = LIMITS.get(limits);
  if (merged === undefined) {
    merged = { ...DEFAULT_LIMITS, ...limits };
    LIMITS.set(limits, merged);
  }
  return merged;
}
