import { execFile } from 'node:child_process';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** The command that brings QEMU to a Debian machine. */
export const INSTALL_QEMU = 'apt-get install -y --no-install-recommends qemu-system-x86';

/** QEMU's version, such as `7.2.22`. Fails with `sandbox-unavailable` and the remedy when there is no QEMU. */
export function qemuVersion(qemu = 'qemu-system-x86_64'): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(qemu, ['--version'], (error, stdout) => {
      const version = /version (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
      if (error === null && version !== undefined) return resolve(version);
      const what =
        (error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? 'QEMU is not installed' : 'QEMU does not run';
      reject(new CloudletError('sandbox-unavailable', `${what} (${qemu}); run: ${INSTALL_QEMU}`, { cause: error }));
    });
  });
}
