/** Component × machine: starts sandboxes, keeps them, and runs invocations in them. */
export type { HeadMessage, InvokeRequest } from '../agent/wire.ts';
export type { CallInput } from './channel/call.ts';
export type { HeaderPair, Invocation, InvocationEnd } from './invocation.ts';
export type { LoadedVersion } from './loaded-version.ts';
export { CLOSE_CAUSES, type CloseCause } from './pool/close-cause.ts';
export type { RoomEntry } from './pool/machine-room.ts';
export type { PlaceTiming } from './pool/place.ts';
export { type PoolInvokeOptions, SandboxPool } from './pool/pool.ts';
export type { PoolObserver } from './pool/pool-observer.ts';
export type { PoolLimits, PoolOptions } from './pool/pool-options.ts';
export { type ProcessMachineOptions, startProcessMachine } from './process-machine.ts';
export { rehearse } from './rehearsal.ts';
export { RUNGS, type Rung, type StartRung } from './rung.ts';
export type { Sandbox, SandboxKind } from './sandbox.ts';
export type { SandboxSource, StartedSandbox } from './sandbox-source.ts';
export { startLoaded } from './start-loaded.ts';
export { type StartOptions, startSandbox } from './start-sandbox.ts';
export type { SandboxState } from './state.ts';
