import {
  bootArgs,
  commonArgs,
  kernelWords,
  type MachineStart,
  portArgs,
  restoreArgs,
} from '../../machine/qemu-args.ts';
import type { VmDisk, VmShape } from './vm-options.ts';

/** Descriptors that the QEMU of a VM inherits. It opens no file by path. */
export const VM_FD = {
  qmp: 3,
  control: 4,
  relay: 5,
  kernel: 6,
  initrd: 7,
  memory: 8,
  /** Device state that it starts from. */
  incoming: 9,
  /** Where its device state goes when it is saved. */
  saved: 10,
  /** What it writes to its disk. */
  top: 11,
  /** The connection to the block server. */
  served: 12,
  /** The lowest layer of its disk; the others follow. */
  layer: 13,
} as const;

/** Most layers of a disk that are only read: each is a lookup on the way to a block that is in none above. */
export const MAX_LAYERS = 8;

/** Sets of descriptors that QEMU opens as files: 2 is the saved state's. */
const TOP_SET = 1;
const FIRST_LAYER_SET = 3;

/** Nothing of a disk has to outlive this computer: QEMU never asks for a flush. */
const CACHE = 'cache.direct=off,cache.no-flush=on';

/** Nobody asks for it, and QEMU would guess it from the first block, which of a disk that is arriving is waited for. */
const GEOMETRY = 'cyls=1024,heads=16,secs=63';

/** How a VM starts. */
export interface VmStart extends MachineStart {
  readonly initOnFree: boolean;
  /** Of one that goes on: whether QEMU waits until it is told that its files are complete. */
  readonly isTold?: boolean;
}

/** The kernel command line of a VM. Pure. */
export function vmCommandLine({ accelerator }: Pick<VmShape, 'accelerator'>, initOnFree: boolean): string {
  return [...kernelWords(accelerator), ...(initOnFree ? ['init_on_free=1'] : [])].join(' ');
}

/** QEMU's arguments for a VM. It has a disk, two serial ports and a console, and no network device. Pure. */
export function vmArgs(shape: VmShape, disk: VmDisk, start: VmStart): string[] {
  return [
    ...commonArgs(shape, start.memory, VM_FD),
    ...(start.from === 'boot'
      ? bootArgs(VM_FD, vmCommandLine(shape, start.initOnFree))
      : restoreArgs(VM_FD, start.isTold === true ? 'when told' : 'at once')),
    ...diskArgs(disk),
    // A disk without room is the guest's error to see; by default it would stop the machine.
    ...['-device', `virtio-blk-device,drive=top,werror=report,rerror=report,${GEOMETRY}`],
    ...['-device', 'virtio-serial-device,max_ports=3'],
    ...portArgs('relay', 1, VM_FD.relay),
    ...portArgs('control', 2, VM_FD.control),
  ];
}

/** The layers of a disk, each a node that names the one below. */
function diskArgs({ layers, growthBytes, serve }: VmDisk): string[] {
  const args: string[] = [];
  let below: string | null = null;
  if (serve !== undefined) {
    below = 'served';
    const server = `server.type=fd,server.str=${VM_FD.served}`;
    args.push('-blockdev', `driver=nbd,node-name=${below},read-only=on,${server},${CACHE}`);
  }
  for (const [index, { format }] of layers.entries()) {
    const [set, node] = [FIRST_LAYER_SET + index, `layer${index}`];
    args.push('-add-fd', `fd=${VM_FD.layer + index},set=${set}`);
    args.push('-blockdev', `driver=file,node-name=file${index},filename=/dev/fdset/${set},${READ_ONLY},locking=off`);
    args.push(
      '-blockdev',
      `driver=${format},node-name=${node},file=file${index},${READ_ONLY}${backing(format, below)}`,
    );
    below = node;
  }
  args.push('-add-fd', `fd=${VM_FD.top},set=${TOP_SET}`);
  const written = `discard=unmap,${CACHE}`;
  args.push('-blockdev', `driver=file,node-name=file,filename=/dev/fdset/${TOP_SET},locking=off,${written}`);
  // QEMU does not write beyond a window, whatever the guest does: no limit that would end its process.
  args.push('-blockdev', `driver=raw,node-name=window,file=file,size=${growthBytes},${written}`);
  args.push(
    '-blockdev',
    `driver=qcow2,node-name=top,file=window,detect-zeroes=unmap,${written}${backing('qcow2', below)}`,
  );
  return args;
}

const READ_ONLY = `read-only=on,${CACHE}`;

function backing(format: 'raw' | 'qcow2', below: string | null): string {
  return format === 'raw' || below === null ? '' : `,backing=${below}`;
}
