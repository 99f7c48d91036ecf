import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AcceleratorInfo, CloudletError } from '../../guest-sdk/protocol/index.ts';
import { writeDurably } from '../store/index.ts';
import { measureGuestClock } from './guest-clock.ts';
import { type ProbeResult, probe } from './probe.ts';
import { qemuVersion } from './qemu-version.ts';

/** How guests run on this machine. Holds until it boots again or QEMU changes. */
export interface Accelerator {
  readonly kind: 'kvm' | 'tcg';
  /** QEMU's name for the processor that guests see. */
  readonly cpu: 'host' | 'max';
  /** Rate of the guest's time-stamp counter, kHz; null when the kernel finds it by itself. */
  readonly tscKhz: number | null;
  readonly qemuVersion: string;
  /** Why this one was taken, one sentence. */
  readonly reason: string;
}

/** What a finding depends on; another of any of these is another finding. */
interface Remembered {
  readonly format: 1;
  readonly bootId: string;
  readonly qemuVersion: string;
  readonly kvm: ProbeResult;
  readonly tscKhz: number | null;
}

/** How an accelerator is chosen. */
export interface AcceleratorOptions {
  /** The finding is kept here for as long as the machine stays up. */
  readonly cacheDir: string;
  readonly choice: 'auto' | 'kvm' | 'tcg';
  /** Program to run; default `qemu-system-x86_64`. */
  readonly qemu?: string;
}

/**
 * Chooses how guests run. KVM is trusted only after a guest really ran under it in good time: a device that opens proves
 * nothing, and a KVM that can only emulate is a hundred times slower than TCG. Fails with `sandbox-unavailable` when QEMU is
 * missing, or when KVM was demanded and does not work.
 */
export async function chooseAccelerator(options: AcceleratorOptions): Promise<Accelerator> {
  const qemu = options.qemu ?? 'qemu-system-x86_64';
  const version = await qemuVersion(qemu);
  const found = await remembered(options, qemu, version);
  if (options.choice !== 'tcg' && found.kvm.usable) {
    return { kind: 'kvm', cpu: 'host', tscKhz: null, qemuVersion: version, reason: found.kvm.reason };
  }
  if (options.choice === 'kvm') {
    throw new CloudletError(
      'sandbox-unavailable',
      `KVM was asked for and is not usable: ${found.kvm.reason}; use --accel tcg or auto`,
    );
  }
  const reason = options.choice === 'tcg' ? 'TCG was asked for' : found.kvm.reason;
  return { kind: 'tcg', cpu: 'max', tscKhz: found.tscKhz, qemuVersion: version, reason };
}

/** What an accelerator means, for people. */
export function describeAccelerator(accelerator: Accelerator): AcceleratorInfo {
  if (accelerator.kind === 'kvm') {
    return {
      kind: 'kvm',
      isolates: true,
      meaning: 'Functions run in hardware-virtualized machines (QEMU with KVM), a security boundary.',
    };
  }
  return {
    kind: 'tcg',
    isolates: false,
    meaning: `Functions run in machines that QEMU emulates (TCG): several times slower, and QEMU promises no isolation this way, so publish only what you trust. KVM is not used: ${accelerator.reason}.`,
  };
}

async function remembered(options: AcceleratorOptions, qemu: string, version: string): Promise<Remembered> {
  const path = join(options.cacheDir, 'accelerator.json');
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const known = await recall(path, bootId, version);
  if (known !== null) return known;
  const kvm = await probe(qemu, 'kvm');
  const tscKhz = kvm.usable ? null : await measureGuestClock(qemu);
  const found: Remembered = { format: 1, bootId, qemuVersion: version, kvm, tscKhz };
  // An unknown rate makes boots hang now and then: it is worth another try at the next start.
  if (!kvm.usable && tscKhz === null) return found;
  // Others may have looked at the same time: all take the first finding, since snapshots are bound to the rate in it.
  const earlier = await recall(path, bootId, version);
  if (earlier !== null) return earlier;
  try {
    await mkdir(options.cacheDir, { recursive: true, mode: 0o755 });
    await writeDurably(path, JSON.stringify(found), 0o644);
  } catch {
    // On a full or read-only disk nothing is remembered, and found again at the next start.
  }
  return found;
}

/** What is remembered of this boot and QEMU; null when that is nothing, or torn. */
async function recall(path: string, bootId: string, version: string): Promise<Remembered | null> {
  try {
    const known = JSON.parse(await readFile(path, 'utf8')) as Remembered;
    return known.format === 1 && known.bootId === bootId && known.qemuVersion === version ? known : null;
  } catch {
    return null;
  }
}
