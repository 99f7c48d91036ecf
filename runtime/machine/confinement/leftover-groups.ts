import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, startTimeOf } from './process-identity.ts';

/** Named after the host, so that another host can tell whether its owner lives. */
const NAME = /^cloudlet-(\d+)-(\d+)-/;

/** What a group of this host is called; `what` tells its groups apart. */
export function groupName(what: string): string {
  return `cloudlet-${process.pid}-${startTimeOf(process.pid)}-${what}`;
}

/** Removes the groups of hosts that have ended, with those in them; who still runs in one keeps it. */
export function removeLeftovers(directory: string, proc = '/proc'): void {
  for (const name of readdirSync(directory)) {
    const [, pid, startTime] = NAME.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid), startTime!, proc)) continue;
    const group = join(directory, name);
    for (const inner of groupsIn(group)) isRemoved(join(group, inner));
    isRemoved(group);
  }
}

/** The groups in a group; none when another host, which starts just now, has removed it. */
function groupsIn(group: string): string[] {
  try {
    const found = readdirSync(group, { withFileTypes: true });
    return found.filter((each) => each.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Removes a group, and says whether it is gone. */
export function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'; // Anything else is a group that somebody is in, or was a moment ago.
  }
}
