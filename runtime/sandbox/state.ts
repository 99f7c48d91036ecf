/** What a sandbox can be in; the same words as in `SandboxInfo` and in the README's diagram. */
export type SandboxState = 'starting' | 'ready' | 'paused' | 'poisoned' | 'closed';

/** Where each state may go. The diagram in the README is this table. */
export const NEXT_STATES: Readonly<Record<SandboxState, readonly SandboxState[]>> = {
  starting: ['ready', 'poisoned', 'closed'],
  ready: ['paused', 'poisoned', 'closed'],
  paused: ['ready', 'poisoned', 'closed'],
  poisoned: ['closed'],
  closed: [],
};

/** The state after a move; an illegal move is a defect of ours and throws. */
export function moveState(from: SandboxState, to: SandboxState): SandboxState {
  if (!NEXT_STATES[from].includes(to)) throw new Error(`a sandbox cannot go from ${from} to ${to}`);
  return to;
}
