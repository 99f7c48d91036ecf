import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ControlGroupPlace } from './control-group-place.ts';
import { groupName, isRemoved } from './leftover-groups.ts';

/** The kernel's name of a file is 255 bytes at most. */
const MAX_NAME = 160;

/** What a claimant gets of the processors: what each other one gets, or what these leave. */
export type Claim = 'equal' | 'rest';

/** Whether a group is of those that get what others leave; Linux before 5.15 has no such groups. */
const REST_FILE = 'cpu.idle';

/** Machines in the groups that there are, by directory. */
const members = new Map<string, number>();

/**
 * Joins the group of a claimant: all its machines are in it, and it gets of the processors what every other claimant gets, whether it has one machine or
 * ten; or what all others leave, as whoever comes first claims. Gives the directory in each hierarchy. Fails when one cannot be made; nothing is left then.
 */
export function enterClaimant(
  places: readonly ControlGroupPlace[],
  claimant: string,
  claim: Claim = 'equal',
): string[] {
  const entered: string[] = [];
  try {
    for (const [parent, there] of byDirectory(places)) {
      const directory = join(parent, groupName(encodeURIComponent(claimant).slice(0, MAX_NAME)));
      const count = members.get(directory) ?? 0;
      if (count === 0) mkdirSync(directory, { recursive: true });
      members.set(directory, count + 1);
      entered.push(directory);
      for (const [file, value] of handDownFiles(there)) writeFileSync(join(directory, file), value);
      if (count > 0) continue;
      for (const [file, value] of claimFiles(there, claim)) writeClaim(join(directory, file), value);
    }
    return entered;
  } catch (error) {
    for (const directory of entered) leaveClaimant(directory);
    throw error;
  }
}

/** Leaves the group of a claimant, which goes with its last machine. */
export function leaveClaimant(directory: string): void {
  const count = members.get(directory)! - 1;
  if (count > 0) return void members.set(directory, count);
  members.delete(directory);
  isRemoved(directory);
}

type Parts = readonly Pick<ControlGroupPlace, 'controller' | 'version'>[];

const isFirst = (places: Parts) => places.every(({ version }) => version === 1);

/** The files of a claimant's group, of one hierarchy, that say what its machines' groups are handed down. Pure. */
function handDownFiles(places: Parts): [string, string][] {
  return isFirst(places)
    ? []
    : [['cgroup.subtree_control', places.map(({ controller }) => `+${controller}`).join(' ')]];
}

/** The files that say its claim. Pure. */
function claimFiles(places: Parts, claim: Claim): [string, string][] {
  if (!places.some(({ controller }) => controller === 'cpu')) return [];
  const [file, equal] = isFirst(places) ? (['cpu.shares', 1024] as const) : (['cpu.weight', 100] as const);
  if (claim === 'equal') return [[file, String(equal)]];
  // A small weight where there is nothing less.
  return [
    [file, String(Math.round(equal / 10))],
    [REST_FILE, '1'],
  ];
}

function writeClaim(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch (error) {
    // Its weight is small all the same.
    if (basename(path) !== REST_FILE) throw error;
  }
}

function byDirectory(places: readonly ControlGroupPlace[]): Map<string, ControlGroupPlace[]> {
  return Map.groupBy(places, ({ directory }) => directory);
}
