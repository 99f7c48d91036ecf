import { ERRNO, errnoOf } from './errno.ts';
import { fileCalls } from './file-calls.ts';
import { GuestMemory } from './guest-memory.ts';
import { pathCalls } from './path-calls.ts';
import { pollCall } from './poll-call.ts';
import { processCalls } from './process-calls.ts';
import { ProcessState } from './process-state.ts';
import type { SystemCalls } from './system-calls.ts';
import { transferCalls } from './transfer-calls.ts';

/** Under this name a command of WASI 0.1 imports its operating system, and its glue finds how to be instantiated. */
export const PREVIEW1 = 'wasi_snapshot_preview1';

/** Functions that may wait: they are bound as suspending. */
const SUSPENDING: ReadonlySet<string> = new Set(['fd_read', 'fd_write', 'poll_oneoff']);

/** Makes a core instance; a promise when its start function waits. */
type InstantiateCore = (
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
) => WebAssembly.Instance | Promise<WebAssembly.Instance>;

/** A running command of WASI 0.1. */
export interface Preview1Command {
  /** `_start`: returns when the program ends without saying a status. */
  readonly run: () => Promise<void>;
  /** Forgets what an invocation left open, so that the instance can serve another. */
  readonly reset: () => void;
}

/** The names of all functions of WASI 0.1. */
export const PREVIEW1_FUNCTIONS: readonly string[] = Object.keys(
  callsOf(
    new ProcessState({} as SystemCalls, () => {
      throw new Error('expected names to be asked only');
    }),
  ),
).sort();

/**
 * Instantiates a command of WASI 0.1 over the WASI 0.2 of the same guest: what a component's adapter does in its guest's memory is done
 * beside it, so that no allocator of the guest can be in its way, and exit statuses arrive as they are.
 */
export async function instantiatePreview1(
  module: WebAssembly.Module,
  system: SystemCalls,
  instantiateCore: InstantiateCore,
): Promise<Preview1Command> {
  let memory: GuestMemory | null = null;
  const state = new ProcessState(system, () => {
    if (memory === null) throw new WebAssembly.RuntimeError('the guest called the host while it was instantiated');
    return memory;
  });
  const instance = await instantiateCore(module, { [PREVIEW1]: bound(callsOf(state)) });
  const { memory: exported, _start: start } = instance.exports;
  if (!(exported instanceof WebAssembly.Memory) || typeof start !== 'function')
    throw new WebAssembly.LinkError('expected a command that exports "memory" and "_start"');
  memory = new GuestMemory(exported);
  return { run: promising(start), reset: () => state.forget() };
}

function callsOf(state: ProcessState) {
  return {
    ...processCalls(state),
    ...fileCalls(state),
    ...transferCalls(state),
    ...pathCalls(state),
    ...pollCall(state),
  };
}

type Call = (...args: never[]) => void | Promise<void>;

/** The functions as the module imports them: they answer with error numbers. */
function bound(calls: Readonly<Record<string, Call>>): WebAssembly.ModuleImports {
  const imports: WebAssembly.ModuleImports = {};
  for (const [name, call] of Object.entries(calls)) {
    const answering = answer(call);
    imports[name] = SUSPENDING.has(name) ? suspending(answering) : answering;
  }
  return imports;
}

function answer(call: Call): (...args: never[]) => number | Promise<number> {
  return (...args) => {
    try {
      const done = call(...args);
      return done instanceof Promise ? done.then(() => ERRNO.success, errnoOf) : ERRNO.success;
    } catch (error) {
      return errnoOf(error);
    }
  };
}

/** JavaScript Promise Integration is in Node 24 and not yet in TypeScript's library. */
interface PromiseIntegration {
  readonly Suspending: new (call: (...args: never[]) => unknown) => WebAssembly.ImportValue;
  promising(call: WebAssembly.ExportValue): () => Promise<void>;
}

function suspending(call: (...args: never[]) => unknown): WebAssembly.ImportValue {
  return new (WebAssembly as unknown as PromiseIntegration).Suspending(call);
}

function promising(call: WebAssembly.ExportValue): () => Promise<void> {
  return (WebAssembly as unknown as PromiseIntegration).promising(call);
}
