import type { Accelerator } from './accelerator.ts';
import { agentProcessor } from './agent-processor.ts';

/** Descriptors that QEMU inherits. It opens no file by path, so its user needs no way to the cache. */
export const FD = {
  agent: 3,
  qmp: 4,
  control: 5,
  root: 6,
  /** The disk for large bodies. */
  bulk: 7,
  kernel: 8,
  initrd: 9,
  memory: 10,
  /** Device state that the machine starts from. */
  incoming: 11,
  /** Where its device state goes when it is saved. */
  saved: 12,
  /** The line of the first worker; those of the others follow. */
  line: 13,
} as const;

/** Most workers that a machine can have: a controller of serial ports has 31, of which the first is a console's. */
export const MAX_WORKERS = 28;

/** Ports that are not lines: the console's place, the agent's, the kernel's. */
const OTHER_PORTS = 3;

/** What QEMU calls the disk for large bodies: it opens that more than once, for reading first. */
const BULK_FILE = `/proc/self/fd/${FD.bulk}`;

/** What QEMU calls the file to which device state is saved. */
export const SAVED_FILE = '/dev/fdset/2';

/**
 * Translated code that an emulated machine keeps, MiB, private as far as it is used: a first call needs 16. When it is full it is
 * emptied and translated anew: with 32 a function in C answered 1.3 to 2.8 times fewer calls, for 1 to 8 callers, and a boot took a fifth longer.
 */
const TRANSLATED_MIB = 128;

/** No device, file, display or system call beyond what is asked for. */
const BARE = [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
] as const;

/** Arguments of the small guests that measure: they run as bare as machines do. */
export const MEASURING_ARGS: readonly string[] = ['-machine', 'microvm', '-m', '64M', ...BARE];

/** The interval timer of the first PCs: no guest of ours asks it, and it wakes an emulator 36 times a second whatever that does. KVM has one of its own. */
const WITHOUT_TIMER = ',pit=off';

/** What a machine is made of. Units in the names. */
export interface MachineShape {
  readonly accelerator: Accelerator;
  readonly memoryMib: number;
  readonly vcpus: number;
  /** Guests that may run at once inside, at most `MAX_WORKERS`. */
  readonly workers: number;
}

/** Where a machine begins, and what becomes of its memory. */
export interface MachineStart {
  /** `boot` runs the kernel; `snapshot` goes on where a saved machine was. */
  readonly from: 'boot' | 'snapshot';
  /**
   * `anonymous`: nobody else's. `kept`: a file that holds all the guest writes, so that it can become a snapshot.
   * `private`: a snapshot's file, of which the machine copies what it changes.
   */
  readonly memory: 'anonymous' | 'kept' | 'private';
}

/** What of a guest's kernel command line all machines have. */
export function kernelWords({ tscKhz }: Pick<Accelerator, 'tscKhz'>): string[] {
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
  ];
  // Without it, calibration against the PIT fails about one boot in three under TCG, and the kernel waits for ever.
  if (tscKhz !== null) words.push(`tsc_early_khz=${tscKhz}`, 'tsc=reliable');
  return words;
}

/** Without what wakes processors of a machine that rests, once in a while for ever: statistics, and moving pages together, for nobody. */
const QUIET = [
  'psi=0',
  'cgroup_disable=memory',
  'sysctl.vm.stat_interval=100000',
  'sysctl.vm.compaction_proactiveness=0',
];

/** The guest's kernel command line. What the kernel does not know becomes the environment of the first program. */
export function kernelCommandLine({ accelerator, workers }: Pick<MachineShape, 'accelerator' | 'workers'>): string {
  return [...kernelWords(accelerator), ...QUIET, `CLOUDLET_WORKERS=${workers}`].join(' ');
}

/** What every machine is: the computer, its accelerator and memory, and how QEMU itself is spoken to. Pure. */
export function commonArgs(
  { accelerator, memoryMib, vcpus }: Omit<MachineShape, 'workers'>,
  memory: MachineStart['memory'],
  fds: { readonly qmp: number; readonly memory: number; readonly saved: number },
  { timer, processor }: { readonly timer: '' | typeof WITHOUT_TIMER; readonly processor: string } = {
    timer: '',
    processor: accelerator.cpu,
  },
): string[] {
  return [
    // The saved state has no description of itself, and QEMU would say that it misses one.
    ...['-machine', `microvm,rtc=on,suppress-vmdesc=on${timer}${memory === 'anonymous' ? '' : ',memory-backend=ram'}`],
    ...['-accel', accelerator.kind === 'kvm' ? 'kvm' : `tcg,thread=multi,tb-size=${TRANSLATED_MIB}`],
    ...['-cpu', processor],
    ...['-m', `${memoryMib}M`],
    ...['-smp', String(vcpus)],
    ...BARE,
    ...memoryArgs(memoryMib, memory, fds),
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-chardev', `socket,id=qmp,fd=${fds.qmp}`, '-mon', 'chardev=qmp,mode=control'],
  ];
}

/** QEMU's arguments for a machine. Pure. */
export function qemuArgs(shape: MachineShape, start: MachineStart): string[] {
  return [
    ...commonArgs(shape, start.memory, FD, {
      timer: shape.accelerator.kind === 'tcg' ? WITHOUT_TIMER : '',
      processor: agentProcessor(shape.accelerator),
    }),
    ...(start.from === 'boot' ? bootArgs(FD, kernelCommandLine(shape)) : restoreArgs(FD)),
    ...['-add-fd', `fd=${FD.root},set=1`],
    ...['-drive', 'if=none,id=root,file=/dev/fdset/1,format=raw,readonly=on,file.locking=off'],
    ...['-device', 'virtio-blk-device,drive=root'],
    // A full memory is the guest's error to see; by default it would stop the machine.
    ...['-drive', `if=none,id=bulk,file=${BULK_FILE},format=raw,file.locking=off,werror=report,rerror=report`],
    ...['-device', 'virtio-blk-device,drive=bulk'],
    ...['-device', `virtio-serial-device,max_ports=${OTHER_PORTS + shape.workers}`],
    ...portArgs('agent', 1, FD.agent),
    ...portArgs('control', 2, FD.control),
    ...Array.from({ length: shape.workers }, (_, worker) =>
      portArgs(`worker${worker + 1}`, OTHER_PORTS + worker, FD.line + worker),
    ).flat(),
  ];
}

/** A serial port of the guest that is a socket here. Pure. */
export function portArgs(name: string, number: number, fd: number): string[] {
  return [
    ...['-chardev', `socket,id=${name},fd=${fd}`],
    ...['-device', `virtserialport,chardev=${name},name=${name},nr=${number}`],
  ];
}

function memoryArgs(
  memoryMib: number,
  memory: MachineStart['memory'],
  fds: { readonly memory: number; readonly saved: number },
): string[] {
  if (memory === 'anonymous') return [];
  const share = memory === 'kept' ? 'on' : 'off';
  const file = `memory-backend-file,id=ram,size=${memoryMib}M,mem-path=/proc/self/fd/${fds.memory},share=${share}`;
  return ['-object', file, ...(memory === 'kept' ? ['-add-fd', `fd=${fds.saved},set=2`] : [])];
}

/** How a machine runs a kernel. Pure. */
export function bootArgs(fds: { readonly kernel: number; readonly initrd: number }, commandLine: string): string[] {
  return [
    ...['-kernel', `/proc/self/fd/${fds.kernel}`],
    ...['-initrd', `/proc/self/fd/${fds.initrd}`],
    ...['-append', commandLine],
  ];
}

/** How it goes on instead, at once or when it is told. The device state holds devices only: it has no configuration section, and memory is not in it. Pure. */
export function restoreArgs(fds: { readonly incoming: number }, when: 'at once' | 'when told' = 'at once'): string[] {
  const incoming = when === 'at once' ? savedState(fds.incoming) : 'defer';
  return ['-global', 'migration.send-configuration=off', '-incoming', incoming];
}

/** What QEMU calls the device state that it goes on from. Pure. */
export function savedState(fd: number): string {
  return `fd:${fd}`;
}
