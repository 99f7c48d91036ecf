import type { LaneSandbox } from './lane-sandbox.ts';
import type { VersionLane } from './version-lane.ts';

/** Sandboxes of other lanes that serve nobody, in the order in which they are given up: the one that was used longest ago first. */
export function unusedOfOthers(lanes: Iterable<VersionLane>, lane: VersionLane | null): LaneSandbox[] {
  return [...lanes]
    .filter((other) => other !== lane && other.waiting === 0)
    .flatMap((other) => other.sandboxes.filter((one) => one.isUnused))
    .sort((a, b) => a.lastUsedAt - b.lastUsedAt);
}

/** By what a sandbox is taken from a function that uses it. */
export interface FairShare {
  readonly weight: (program: string) => number;
  readonly turnMs: number;
  readonly now: number;
}

/**
 * The sandbox that a lane may claim although it is used: of the function that holds most for its weight, if that still holds as
 * much as the lane afterwards, or if the lane has none and the other has had its turn, which is as long as its start took.
 * `inMs` says when there may be one. Pure.
 */
export function claim(
  lanes: Iterable<VersionLane>,
  lane: VersionLane,
  { weight, turnMs, now }: FairShare,
): { readonly from: LaneSandbox } | { readonly inMs: number } | null {
  const shareOf = (each: VersionLane, more: number) => (each.held + more) / weight(each.version.program);
  // Of those who hold equally much, the one who has had it longest.
  const [richest] = [...lanes]
    .filter((other) => other !== lane)
    .flatMap((other) => {
      const [from] = [...other.sandboxes].sort((a, b) => a.taken - b.taken);
      return from === undefined ? [] : [{ other, from }];
    })
    .sort((a, b) => shareOf(b.other, 0) - shareOf(a.other, 0) || a.from.readyAt - b.from.readyAt);
  if (richest === undefined) return null;
  const { other, from } = richest;
  if (shareOf(other, -1) >= shareOf(lane, 1)) return { from };
  if (lane.held > 0) return null;
  const inMs = from.readyAt + Math.max(turnMs, from.startMs) - now;
  return inMs > 0 ? { inMs } : { from };
}
