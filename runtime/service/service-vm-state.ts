import type { ServiceVmState } from '../../guest-sdk/protocol/index.ts';

/** What may follow what in the life of a service VM; the diagram in the README is this table. */
const NEXT: Readonly<Record<ServiceVmState, readonly ServiceVmState[]>> = {
  starting: ['ready', 'stopping', 'failed'],
  ready: ['stopping', 'failed'],
  stopping: ['gone'],
  failed: [],
  gone: [],
};

/** The state that follows; throws at a move that the table does not have, which is a fault of ours. */
export function movedTo(from: ServiceVmState, to: ServiceVmState): ServiceVmState {
  if (!NEXT[from].includes(to)) throw new Error(`a service VM cannot go from ${from} to ${to}`);
  return to;
}

/** Whether a VM in this state is there, or will be. */
export function isAlive(state: ServiceVmState): boolean {
  return state === 'starting' || state === 'ready';
}
