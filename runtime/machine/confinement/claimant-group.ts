import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlGroupPlace, Controller } from './control-group-place.ts';
import { groupName, isRemoved } from './leftover-groups.ts';

/** The kernel's name of a file is 255 bytes at most. */
const MAX_NAME = 160;

/** Machines in the groups that there are, by directory. */
const members = new Map<string, number>();

/**
 * Joins the group of a claimant: all its machines are in it, and it gets of the processors what every other claimant gets, whether it has one machine or
 * ten. Gives the directory in each hierarchy. Fails when one cannot be made; nothing is left then.
 */
export function enterClaimant(places: readonly ControlGroupPlace[], claimant: string): string[] {
  const entered: string[] = [];
  try {
    for (const [parent, there] of byDirectory(places)) {
      const directory = join(parent, groupName(encodeURIComponent(claimant).slice(0, MAX_NAME)));
      const count = members.get(directory) ?? 0;
      if (count === 0) mkdirSync(directory, { recursive: true });
      members.set(directory, count + 1);
      entered.push(directory);
      for (const [file, value] of claimFiles(there)) writeFileSync(join(directory, file), value);
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

/** The files of a claimant's group, of one hierarchy: an equal claim, and what its machines' groups are handed down. Pure. */
export function claimFiles(places: readonly Pick<ControlGroupPlace, 'controller' | 'version'>[]): [string, string][] {
  const has = (controller: Controller) => places.some((place) => place.controller === controller);
  if (places.every(({ version }) => version === 1)) return has('cpu') ? [['cpu.shares', '1024']] : [];
  return [
    ['cgroup.subtree_control', places.map(({ controller }) => `+${controller}`).join(' ')],
    ...(has('cpu') ? [['cpu.weight', '100'] as [string, string]] : []),
  ];
}

function byDirectory(places: readonly ControlGroupPlace[]): Map<string, ControlGroupPlace[]> {
  return Map.groupBy(places, ({ directory }) => directory);
}
