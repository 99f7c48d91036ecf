import { execFile } from 'node:child_process';
import { PROBE_STATUS } from './firmware.ts';
import { withFirmware } from './firmware-file.ts';

/** Whether an accelerator really runs guests, and how that is known. */
export interface ProbeResult {
  readonly usable: boolean;
  /** One clause, for "because …". */
  readonly reason: string;
}

/** How long the probe guest may take, milliseconds. A working KVM needs about 100, QEMU's start included; TCG 150. */
const PROBE_MS = 1500;

/** Runs a small 64-bit guest to its end under an accelerator. Takes at most `PROBE_MS`; never rejects. */
export function probe(qemu: string, kind: 'kvm' | 'tcg'): Promise<ProbeResult> {
  return withFirmware('probe', (path) => runProbe(qemu, kind, path));
}

function runProbe(qemu: string, kind: 'kvm' | 'tcg', path: string): Promise<ProbeResult> {
  const args = ['-machine', 'microvm', '-accel', kind, '-cpu', kind === 'kvm' ? 'host' : 'max', '-m', '64M'];
  args.push('-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-bios', path);
  args.push('-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04');
  const startedAt = performance.now();
  return new Promise((resolve) => {
    execFile(qemu, args, { timeout: PROBE_MS, killSignal: 'SIGKILL' }, (error, _stdout, stderr) => {
      const took = Math.round(performance.now() - startedAt);
      if (error?.code === PROBE_STATUS) return resolve({ usable: true, reason: `a test guest ran in ${took} ms` });
      if (error?.killed) return resolve({ usable: false, reason: `a test guest did not end within ${PROBE_MS} ms` });
      const said = stderr.trim().split('\n')[0] ?? '';
      const ended = error?.signal ?? `status ${error?.code ?? 0}`;
      resolve({ usable: false, reason: `QEMU ended with ${ended}${said === '' ? '' : ` (${said})`}` });
    });
  });
}
