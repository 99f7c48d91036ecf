import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process has open, or has started, each by its number. */
export type Numbered = ReadonlyMap<number, string>;

/** Descriptors that this process holds, with what they stand for as the kernel names it; of a socket its kind and, where it has one, its path. */
export function openDescriptors(): Numbered {
  const named = new Map<number, string>();
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      named.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The one by which the list was read.
    }
  }
  const kinds = socketKinds();
  const kindOf = (target: string) => kinds.get(target.match(/^socket:\[(\d+)\]$/)?.[1] ?? '');
  return new Map([...named].map(([fd, target]) => [fd, `${target}${kindOf(target) ?? ''}`]));
}

/** Of a later list what an earlier one has not: another number, or the same for something else. Pure. */
export function notBefore(before: Numbered, after: Numbered): string[] {
  return [...after].filter(([number, what]) => before.get(number) !== what).map((each) => each.join(' '));
}

/** Kinds of the sockets of this computer by their numbers. */
function socketKinds(): Map<string, string> {
  const rows = (file: string) => {
    try {
      return readFileSync(`/proc/self/net/${file}`, 'latin1').trim().split('\n').slice(1);
    } catch {
      return []; // A kernel without it.
    }
  };
  const kinds = new Map<string, string>();
  for (const row of rows('unix')) {
    const [, , , , , , number, path] = row.trim().split(/\s+/);
    kinds.set(number!, path === undefined ? ' unix' : ` unix ${path}`);
  }
  for (const file of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const row of rows(file)) {
      const fields = row.trim().split(/\s+/);
      kinds.set(fields[9]!, ` ${file} ${fields[1]}`);
    }
  }
  return kinds;
}
