import type { LaneSandbox } from './lane-sandbox.ts';
import type { VersionLane } from './version-lane.ts';

/**
 * The parked sandbox of a prepared version that a clone of the version's snapshot should replace: what was loaded, and not
 * cloned with it, has taken several times the memory. Null when there is none; a process has no snapshot.
 */
export function staleSandbox(lane: VersionLane): LaneSandbox | null {
  const isStale = (one: LaneSandbox) =>
    one.isParked && one.isWorthRenewing && one.via !== 'function-clone' && one.sandbox.kind === 'microvm';
  return lane.sandboxes.find(isStale) ?? null;
}

/**
 * One was started in a lane: if it was to replace another, gives the one of the two that is not needed. It is the new one when it is no
 * clone either, and then the other is not tried to be replaced again.
 */
export function settleRenewal(lane: VersionLane, one: LaneSandbox): LaneSandbox | null {
  const { stale } = lane;
  lane.stale = null;
  if (stale === null || !one.isUnused) return null;
  stale.isWorthRenewing = false;
  if (one.via !== 'function-clone') return one;
  return stale.isUnused ? stale : null;
}
