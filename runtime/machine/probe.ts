import { PROBE_STATUS } from './firmware.ts';
import { openFirmware } from './firmware-file.ts';
import { OutputTail } from './output-tail.ts';
import { processorQueueNs } from './processor-need.ts';
import { MEASURING_ARGS } from './qemu-args.ts';
import { startQemu } from './qemu-process.ts';
import { watchdog } from './watchdog.ts';

/** Whether an accelerator really runs guests, and how that is known. */
export interface ProbeResult {
  readonly usable: boolean;
  /** One clause, for "because …". */
  readonly reason: string;
}

/** How long the probe guest may take, milliseconds. A working KVM needs about 100, QEMU's start included; TCG 150. */
const PROBE_MS = 1500;

/**
 * Runs a small 64-bit guest to its end under an accelerator, as the user and behind the filter that machines have: a device that
 * only root may open is of no use to them. Takes at most `PROBE_MS`, without what others hold it up.
 */
export async function probe(qemu: string, kind: 'kvm' | 'tcg'): Promise<ProbeResult> {
  const args = ['-accel', kind, '-cpu', kind === 'kvm' ? 'host' : 'max', ...MEASURING_ARGS];
  args.push('-bios', '/proc/self/fd/3', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04');
  const file = await openFirmware('probe');
  try {
    const startedAt = performance.now();
    const child = await startQemu({ qemu, accelerator: kind, args, stdio: ['ignore', 'ignore', 'pipe', file.fd] });
    const said = new OutputTail(child.stderr!);
    let late = false;
    const callOff = watchdog(
      PROBE_MS,
      () => {
        late = true;
        child.kill('SIGKILL');
      },
      () => processorQueueNs(child.pid),
    );
    const end = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    callOff();
    const ms = Math.round(performance.now() - startedAt);
    if (end.code === PROBE_STATUS) return { usable: true, reason: `a test guest ran in ${ms} ms` };
    if (late) return { usable: false, reason: `a test guest did not end within ${PROBE_MS} ms` };
    const line = said.text.split('\n')[0]!;
    const how = end.signal ?? `status ${end.code}`;
    return { usable: false, reason: `QEMU ended with ${how}${line === '' ? '' : ` (${line})`}` };
  } finally {
    await file.close();
  }
}
