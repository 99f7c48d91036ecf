/** The user and group that QEMU runs as when the host is root: a number that nothing else on the machine uses. */
export const QEMU_ID = 61_184;

/**
 * The command that starts a program without privileges and ties it to this process: it dies with us, even on `kill -9`.
 * `setpriv` (util-linux) sets the parent-death signal after the identity, since a change of identity clears it. Pure.
 */
export function confine(
  command: string,
  args: readonly string[],
  isRoot: boolean,
): { command: string; args: string[] } {
  const identity = isRoot
    ? [`--reuid=${QEMU_ID}`, `--regid=${QEMU_ID}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all']
    : [];
  return { command: 'setpriv', args: [...identity, '--no-new-privs', '--pdeathsig=KILL', '--', command, ...args] };
}
