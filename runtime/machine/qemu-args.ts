import type { Accelerator } from './accelerator.ts';

/** Descriptors that QEMU inherits. It opens no file by path, so its user needs no way to the cache. */
export const FD = { agent: 3, qmp: 4, kernel: 5, initrd: 6, root: 7 } as const;

/** No device, file, display or system call beyond what is asked for. */
const BARE = [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
] as const;

/** Arguments of the small guests that measure: they run as bare as machines do. */
export const MEASURING_ARGS: readonly string[] = ['-machine', 'microvm', '-m', '64M', ...BARE];

/** What a machine is made of. Units in the names. */
export interface MachineShape {
  readonly accelerator: Accelerator;
  readonly memoryMib: number;
  readonly vcpus: number;
  /** Guests that may run at once inside. */
  readonly workers: number;
}

/** The guest's kernel command line. */
export function kernelCommandLine({ accelerator, workers }: Pick<MachineShape, 'accelerator' | 'workers'>): string {
  const words = [
    'console=ttyS0',
    'quiet',
    // A kernel that panics reboots, and a reboot ends QEMU (-no-reboot): the host sees it at once.
    'reboot=t',
    'panic=-1',
    // One tenant a machine, and the boundary is the machine: mitigations inside it cost and protect nobody.
    'mitigations=off',
    'nopti',
    'nokaslr',
    'lsm=',
    'apparmor=0',
    'audit=0',
    'cryptomgr.notests',
    'random.trust_cpu=on',
    'no_timer_check',
    'rcupdate.rcu_expedited=1',
    'nowatchdog',
    // What the kernel does not know becomes the environment of the first program.
    `CLOUDLET_WORKERS=${workers}`,
  ];
  // Without it, calibration against the PIT fails about one boot in three under TCG, and the kernel waits for ever.
  if (accelerator.tscKhz !== null) words.push(`tsc_early_khz=${accelerator.tscKhz}`, 'tsc=reliable');
  return words.join(' ');
}

/** QEMU's arguments for a machine that boots a base image. Pure. */
export function qemuArgs(shape: MachineShape): string[] {
  const { accelerator } = shape;
  return [
    ...['-machine', 'microvm,rtc=on'],
    ...['-accel', accelerator.kind === 'kvm' ? 'kvm' : 'tcg,thread=multi'],
    ...['-cpu', accelerator.cpu],
    ...['-m', `${shape.memoryMib}M`],
    ...['-smp', String(shape.vcpus)],
    ...BARE,
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-chardev', `socket,id=qmp,fd=${FD.qmp}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-kernel', `/proc/self/fd/${FD.kernel}`],
    ...['-initrd', `/proc/self/fd/${FD.initrd}`],
    ...['-append', kernelCommandLine(shape)],
    ...['-add-fd', `fd=${FD.root},set=1`],
    ...['-drive', 'if=none,id=root,file=/dev/fdset/1,format=raw,readonly=on,file.locking=off'],
    ...['-device', 'virtio-blk-device,drive=root'],
    ...['-device', 'virtio-serial-device,max_ports=4'],
    ...['-chardev', `socket,id=agent,fd=${FD.agent}`],
    ...['-device', 'virtserialport,chardev=agent,name=agent,nr=1'],
  ];
}
