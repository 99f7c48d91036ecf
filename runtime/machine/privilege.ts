import { stat } from 'node:fs/promises';

/** The user and group that QEMU runs as when the host is root: a number that nothing else on the machine uses. */
export const QEMU_ID = 61_184;

/** What a confined program is left with. */
export interface Confinement {
  /** Whether the host is root: only then can it give the program another identity. */
  readonly isRoot: boolean;
  /** Process id of the host. */
  readonly parent: number;
  /** Groups that the program stays in when its identity changes. */
  readonly groups: readonly number[];
}

/**
 * The groups that QEMU needs for an accelerator: the one that owns KVM's device, where a group has it. A device for root alone
 * gives none; the probe then finds that KVM cannot be used.
 */
export async function groupsFor(accelerator: 'kvm' | 'tcg', device = '/dev/kvm'): Promise<number[]> {
  if (accelerator === 'tcg') return [];
  const found = await stat(device).catch(() => null); // No device: QEMU says so itself.
  const READ_AND_WRITE = 0o060;
  return found !== null && found.gid !== 0 && (found.mode & READ_AND_WRITE) === READ_AND_WRITE ? [found.gid] : [];
}

/**
 * Run by the shell between `setpriv` and the program: a parent that was killed before the parent-death signal was set sends none,
 * but this process has another parent by then. `$0` is the parent it must have.
 */
const UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"';

/**
 * The command that starts a program without privileges and ties it to this process: it dies with us, even on `kill -9`.
 * `setpriv` (util-linux) sets the parent-death signal after the identity, since a change of identity clears it. The signal comes
 * when the thread that started the program ends, so this is for the main thread. Pure.
 */
export function confine(
  command: string,
  args: readonly string[],
  { isRoot, parent, groups }: Confinement,
): { command: string; args: string[] } {
  const supplementary = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
  const identity = isRoot
    ? [`--reuid=${QEMU_ID}`, `--regid=${QEMU_ID}`, supplementary, '--bounding-set=-all', '--inh-caps=-all']
    : [];
  const start = ['/bin/sh', '-c', UNLESS_ORPHANED, String(parent), command, ...args];
  return { command: 'setpriv', args: [...identity, '--no-new-privs', '--pdeathsig=KILL', '--', ...start] };
}
