import { type ByteSink, type ByteSource, DEFAULT_LIMITS, type FileTree, type WasiBackend } from '../wasi/index.ts';
import { agentClock } from './agent-clock.ts';
import { kernelRandom } from './kernel-random.ts';
import { blobsOver } from './outside/blobs.ts';
import { OutsideHttpClient } from './outside/http-client.ts';
import { keyValueOver } from './outside/keyvalue.ts';
import { OutsideNetwork } from './outside/network.ts';
import type { Outside } from './outside/outside.ts';
import type { InvokeMessage, LoadMessage } from './wire.ts';

/** Where what goes in and out of one invocation comes from and goes to. */
export interface InvocationStreams {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly log: WasiBackend['log'];
  readonly outside: Outside;
  /** Told how many bytes of the guest went outside. */
  readonly passed: (bytes: number) => void;
  readonly files: FileTree | null;
}

/** Everything that the guest of one invocation is given. */
export function invocationBackend(load: LoadMessage, request: InvokeMessage, streams: InvocationStreams): WasiBackend {
  const { stdin, stdout, stderr, log, files, outside, passed } = streams;
  const { traceparent, tracestate } = request;
  return {
    ...{ stdin, stdout, stderr, log, files },
    environment: load.environment,
    configuration: load.configuration,
    arguments: [load.program, ...load.arguments, ...(request.door === 'run' ? request.arguments : [])],
    clock: agentClock,
    random: kernelRandom(),
    keyValue: keyValueOver(outside),
    blobs: blobsOver(outside),
    httpClient: new OutsideHttpClient(outside, { passed, traceparent, tracestate }),
    network: new OutsideNetwork(outside, passed),
    limits: { ...DEFAULT_LIMITS, ...load.limits },
  };
}
