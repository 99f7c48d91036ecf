import type { ServiceVmInfo } from '../../guest-sdk/protocol/index.ts';
import { unlessAborted } from '../machine/index.ts';
import type { ServiceStart } from './service-observer.ts';
import type { ServiceVm } from './service-vm.ts';

/** A VM that serves, and how its caller came to it. */
export interface EnteredVm {
  readonly vm: ServiceVmInfo;
  readonly via: ServiceStart;
  /** What its start took, milliseconds; 0 when it ran. */
  readonly startMs: number;
}

/** Uses a VM that is there, or comes. */
export async function entering(vm: ServiceVm, user: string, signal: AbortSignal | undefined): Promise<EnteredVm> {
  const began = performance.now();
  const isReady = vm.state === 'ready';
  await served(vm, user, signal, false);
  return isReady
    ? { vm: vm.info(), via: 'running', startMs: 0 }
    : { vm: vm.info(), via: 'cached', startMs: performance.now() - began };
}

/** Uses a VM that was begun for this. */
export async function started(vm: ServiceVm, user: string, signal: AbortSignal | undefined): Promise<EnteredVm> {
  await served(vm, user, signal, vm.parts.mode === 'own');
  return { vm: vm.info(), via: 'cached', startMs: vm.startMs ?? 0 };
}

/** Waits until a VM serves, and counts its user. `giveUp`: nobody else waits for it, so it goes with whoever does. */
export async function served(
  vm: ServiceVm,
  user: string,
  signal: AbortSignal | undefined,
  giveUp: boolean,
): Promise<void> {
  vm.use(user);
  try {
    await unlessAborted(vm.ready, signal);
  } catch (error) {
    if (giveUp && signal?.aborted && vm.alive) void vm.end('stopped');
    throw error;
  }
  vm.use(user);
}
