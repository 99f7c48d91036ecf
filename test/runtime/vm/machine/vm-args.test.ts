import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Accelerator } from '../../../../runtime/machine/index.ts';
import { VM_FD, type VmStart, vmArgs, vmCommandLine } from '../../../../runtime/vm/machine/vm-args.ts';
import type { VmDisk } from '../../../../runtime/vm/machine/vm-options.ts';

const TCG: Accelerator = { kind: 'tcg', cpu: 'max', tscKhz: 2_596_126, qemuVersion: '7.2.0', reason: 'a test' };
const SHAPE = { accelerator: TCG, memoryMib: 384, vcpus: 1 };
const DISK: VmDisk = {
  layers: [
    { path: '/base', format: 'raw' },
    { path: '/service', format: 'qcow2' },
  ],
  bytes: 2 ** 32,
  growthBytes: 2 ** 30,
};
const BOOT: VmStart = { from: 'boot', memory: 'anonymous', initOnFree: true };
const CLONE: VmStart = { from: 'snapshot', memory: 'private', initOnFree: true };

const line = (disk: VmDisk = DISK, start: VmStart = BOOT) => ` ${vmArgs(SHAPE, disk, start).join(' ')} `;

const args = suite("a VM's QEMU");

args('has no network device, and opens nothing by path', () => {
  for (const start of [BOOT, CLONE]) {
    assert.not.match(line(DISK, start), /-netdev|-nic |-net |virtio-net|\/base|\/service/);
    assert.match(line(DISK, start), '-nodefaults -no-user-config');
    assert.match(line(DISK, start), '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny');
  }
});

for (const [what, disk, start, expected] of [
  [
    'boots a kernel',
    DISK,
    BOOT,
    ` -kernel /proc/self/fd/${VM_FD.kernel} -initrd /proc/self/fd/${VM_FD.initrd} -append console=ttyS0 `,
  ],
  [
    'goes on where a saved one was',
    DISK,
    CLONE,
    ` -global migration.send-configuration=off -incoming fd:${VM_FD.incoming} `,
  ],
  ['copies the pages of a saved one that it writes', DISK, CLONE, `mem-path=/proc/self/fd/${VM_FD.memory},share=off `],
  ['keeps all that a template writes', DISK, { ...BOOT, memory: 'kept' }, `,share=on -add-fd fd=${VM_FD.saved},set=2 `],
  [
    'reads its lowest layer only',
    DISK,
    BOOT,
    ' -blockdev driver=file,node-name=file0,filename=/dev/fdset/3,read-only=on,cache.direct=off,cache.no-flush=on,locking=off ',
  ],
  [
    'has the lowest layer below the next',
    DISK,
    BOOT,
    ' -blockdev driver=qcow2,node-name=layer1,file=file1,read-only=on,cache.direct=off,cache.no-flush=on,backing=layer0 ',
  ],
  ['inherits each layer', DISK, BOOT, ` -add-fd fd=${VM_FD.layer + 1},set=4 `],
  ['needs no block of a disk to start', DISK, CLONE, ',cyls=1024,heads=16,secs=63 '],
  ['goes on at once', DISK, CLONE, ` -incoming fd:${VM_FD.incoming} `],
  ['goes on when it is told', DISK, { ...CLONE, isTold: true }, ' -incoming defer '],
  [
    'writes into a window that ends',
    DISK,
    BOOT,
    ' -blockdev driver=raw,node-name=window,file=file,size=1073741824,discard=unmap,',
  ],
  [
    'writes above all layers',
    DISK,
    BOOT,
    'driver=qcow2,node-name=top,file=window,detect-zeroes=unmap,discard=unmap,cache.direct=off,cache.no-flush=on,backing=layer1 ',
  ],
  ['tells the guest of a disk without room', DISK, BOOT, ' virtio-blk-device,drive=top,werror=report,rerror=report,'],
  [
    'asks a block server for what is below',
    { ...DISK, layers: [], serve: () => undefined },
    CLONE,
    ` -blockdev driver=nbd,node-name=served,read-only=on,server.type=fd,server.str=${VM_FD.served},`,
  ],
  [
    'has its layers above that',
    { ...DISK, layers: [DISK.layers[1]!], serve: () => undefined },
    CLONE,
    'node-name=layer0,file=file0,read-only=on,cache.direct=off,cache.no-flush=on,backing=served ',
  ],
  [
    'has the relay at its first port',
    DISK,
    BOOT,
    ` -chardev socket,id=relay,fd=${VM_FD.relay} -device virtserialport,chardev=relay,name=relay,nr=1 `,
  ],
  ['has the control port at its second', DISK, BOOT, ' -device virtserialport,chardev=control,name=control,nr=2 '],
] as const) {
  args(what, () => assert.ok(line(disk, start).includes(expected), line(disk, start)));
}

args('clears memory that is freed, unless it shall be as it is by default', () => {
  assert.match(vmCommandLine(SHAPE, true), / init_on_free=1$/);
  assert.not.match(vmCommandLine(SHAPE, false), 'init_on_free');
  for (const each of [true, false]) assert.match(vmCommandLine(SHAPE, each), 'tsc_early_khz=2596126 tsc=reliable');
});

args('has devices that are the same in the boot and in every clone', () => {
  const devices = (start: VmStart, disk = DISK) => {
    const words = vmArgs(SHAPE, disk, start);
    return words.filter((_, at) => words[at - 1] === '-device');
  };
  assert.equal(devices(CLONE), devices(BOOT));
  assert.equal(devices(CLONE, { ...DISK, layers: [], serve: () => undefined }), devices(BOOT));
});

args.run();
