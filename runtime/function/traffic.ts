import { createHash } from 'node:crypto';
import type { TrafficSplit } from '../../guest-sdk/protocol/index.ts';

/** What a caller says about which version it wants. */
export interface VersionChoice {
  /** This one, whatever calls are shared out among. */
  readonly version?: number | undefined;
  /** The value of a header of its request, name in lower case; for those who are to stay at a version. */
  readonly header?: (name: string) => string | undefined;
}

/**
 * The version of a split that a call goes to: that of the caller, when its request says who he is and the split asks; else by `random`, a
 * number from 0 up to 1.
 */
export function sharedOut(split: TrafficSplit, choice: VersionChoice, random: () => number): number {
  const caller = split.sticky === undefined ? undefined : callerOf(split.sticky, choice);
  let left = (caller === undefined ? random() : placeOf(caller)) * 100;
  for (const { version, percent } of split.versions) {
    left -= percent;
    if (left < 0) return version;
  }
  // A sum of 100 whose last part was rounded away.
  return split.versions.findLast(({ percent }) => percent > 0)!.version;
}

/** Who a caller is, by the header or cookie that the split names. */
function callerOf(sticky: string, { header }: VersionChoice): string | undefined {
  const at = sticky.indexOf(':');
  const [kind, name] = [sticky.slice(0, at), sticky.slice(at + 1)];
  if (kind === 'header') return header?.(name.toLowerCase());
  for (const pair of (header?.('cookie') ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}

/**
 * Where a caller lies between 0 and 1: the same at every host and after every restart. The shares of a split lie there in its order, so when
 * they are moved only as many callers change their version as must.
 */
function placeOf(caller: string): number {
  return createHash('sha256').update(caller).digest().readUInt32BE(0) / 2 ** 32;
}
