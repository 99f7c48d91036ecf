import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Accelerator } from '../../../runtime/machine/index.ts';
import { kernelCommandLine, type MachineStart, qemuArgs } from '../../../runtime/machine/qemu-args.ts';

const TCG: Accelerator = { kind: 'tcg', cpu: 'max', tscKhz: 2_596_126, qemuVersion: '7.2.22', reason: 'a test' };
const KVM: Accelerator = { kind: 'kvm', cpu: 'host', tscKhz: null, qemuVersion: '7.2.22', reason: 'a test' };
const shape = (accelerator: Accelerator) => ({ accelerator, memoryMib: 256, vcpus: 2, workers: 4 });

const BOOT: MachineStart = { from: 'boot', memory: 'anonymous' };
const STARTS: readonly MachineStart[] = [
  BOOT,
  { from: 'boot', memory: 'kept' },
  { from: 'snapshot', memory: 'kept' },
  { from: 'snapshot', memory: 'private' },
];

/** The values that follow a flag, in order. */
const valuesOf = (args: readonly string[], flag: string) =>
  args.flatMap((arg, index) => (arg === flag ? [args[index + 1]!] : []));

const args = suite("QEMU's arguments");

args('take away devices, configuration, the display and reboots', () => {
  const words = qemuArgs(shape(TCG), BOOT);
  for (const flag of ['-nodefaults', '-no-user-config', '-no-reboot']) assert.ok(words.includes(flag), flag);
  assert.equal(valuesOf(words, '-display'), ['none']);
});

args('give no network device', () => {
  assert.not.match(qemuArgs(shape(TCG), BOOT).join(' '), /net(dev)?[,= -]|-nic|virtio-net/);
});

args('turn the seccomp filter fully on', () => {
  assert.equal(valuesOf(qemuArgs(shape(KVM), BOOT), '-sandbox'), [
    'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
  ]);
});

args('open the root disk read-only, by descriptor', () => {
  const [drive] = valuesOf(qemuArgs(shape(TCG), BOOT), '-drive');
  assert.match(drive!, 'readonly=on');
  assert.match(drive!, 'file=/dev/fdset/1');
});

for (const [accelerator, has] of [
  [TCG, 'pit=off'],
  [KVM, 'rtc=on'],
] as const) {
  args(`have no timer that wakes an emulator: ${accelerator.kind}`, () => {
    for (const start of STARTS) {
      const [machine] = valuesOf(qemuArgs(shape(accelerator), start), '-machine');
      assert.match(machine!, has);
      assert.is(machine!.includes('pit=off'), accelerator === TCG);
    }
  });
}

for (const start of STARTS) {
  args(`name no path of this computer but descriptors (${start.from}, ${start.memory})`, () => {
    const paths = qemuArgs(shape(TCG), start).flatMap((arg) =>
      [...arg.matchAll(/\/[a-z]+\/[^\s,]+/g)].map((match) => match[0]),
    );
    assert.ok(
      paths.every((path) => path.startsWith('/proc/self/fd/') || path.startsWith('/dev/fdset/')),
      paths.join(' '),
    );
  });
}

args('give every start the same devices, else a snapshot would not fit', () => {
  const devices = STARTS.map((start) => valuesOf(qemuArgs(shape(TCG), start), '-device'));
  for (const each of devices) assert.equal(each, devices[0]);
});

args('map the memory of a clone privately, and that of a template shared', () => {
  const shares = STARTS.map((start) =>
    valuesOf(qemuArgs(shape(TCG), start), '-object').map((each) => /share=\w+/.exec(each)?.[0]),
  );
  assert.equal(shares, [[], ['share=on'], ['share=on'], ['share=off']]);
});

args('start no kernel where there is a snapshot to go on from', () => {
  for (const start of STARTS) {
    const words = qemuArgs(shape(TCG), start);
    assert.is(words.includes('-kernel'), start.from === 'boot');
    assert.is(words.includes('-incoming'), start.from === 'snapshot');
  }
});

for (const [accelerator, accel, cpu] of [
  [TCG, 'tcg,thread=multi,tb-size=128', 'max,erms=off,fsrm=off'],
  [KVM, 'kvm', 'host'],
] as const) {
  args(`use ${accelerator.kind} with the processor ${cpu}`, () => {
    const words = qemuArgs(shape(accelerator), BOOT);
    assert.equal(valuesOf(words, '-accel'), [accel]);
    assert.equal(valuesOf(words, '-cpu'), [cpu]);
    assert.equal(valuesOf(words, '-m'), ['256M']);
    assert.equal(valuesOf(words, '-smp'), ['2']);
  });
}

const commandLine = suite("the kernel's command line");

commandLine('gives the clock rate where it was measured, and only there', () => {
  assert.match(kernelCommandLine(shape(TCG)), 'tsc_early_khz=2596126 tsc=reliable');
  assert.not.match(kernelCommandLine(shape(KVM)), 'tsc');
});

commandLine('makes a panic end the machine', () => {
  assert.match(kernelCommandLine(shape(TCG)), /reboot=t panic=-1/);
});

commandLine('carries the number of workers', () => {
  assert.match(kernelCommandLine(shape(TCG)), 'CLOUDLET_WORKERS=4');
});

args.run();
commandLine.run();
