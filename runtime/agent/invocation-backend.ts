import { type ByteSink, type ByteSource, DEFAULT_LIMITS, type WasiBackend, type WasiClock } from '../wasi/index.ts';
import { agentClock } from './agent-clock.ts';
import { kernelRandom } from './kernel-random.ts';
import type { InvokeMessage, LoadMessage } from './wire.ts';

/** The streams of one invocation. */
export interface InvocationStreams {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/** Everything that the guest of one invocation is given. */
export function invocationBackend(load: LoadMessage, request: InvokeMessage, streams: InvocationStreams): WasiBackend {
  return {
    ...streams,
    environment: load.environment,
    arguments: [load.program, ...load.arguments, ...(request.door === 'run' ? request.arguments : [])],
    clock: request.wallMs === undefined ? agentClock : clockFrom(request.wallMs),
    random: kernelRandom(),
    files: null,
    limits: DEFAULT_LIMITS,
  };
}

/** The system's clock with a wall time that its host said: a machine that was restored from a snapshot may live in the past. */
function clockFrom(wallMs: number): WasiClock {
  const base = wallMs - performance.now();
  return { ...agentClock, wallMs: () => base + performance.now() };
}
