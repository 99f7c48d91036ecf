import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../../../runtime/image/index.ts';
import { type Accelerator, bootMachine } from '../../../runtime/machine/index.ts';
import { notBefore, openDescriptors } from '../../bench/left-behind.ts';

const ACCELERATOR: Accelerator = { kind: 'tcg', cpu: 'max', tscKhz: null, qemuVersion: '0.0.0', reason: 'a test' };

interface Context {
  directory: string;
}
const boot = suite<Context>('booting a machine');

boot.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-boot-'));
  // QEMU runs as another user: it must be able to run the stand-in.
  await chmod(context.directory, 0o777);
});
boot.after.each((context) => rm(context.directory, { recursive: true }));

/**
 * The kernel's part of a stand-in: it acknowledges the 96 bytes of an identity that it has read, and an answer before is none. A
 * machine that starts is given two.
 */
const TAKE = 'head -c 96 <&5 >/dev/null; printf k >&5;';
const AGENT = `${TAKE} ${TAKE} printf word >&3;`;

/** Options for a machine whose QEMU is a shell script; each start of it adds a line to `starts`. */
async function withFakeQemu(directory: string, script: string) {
  const qemu = join(directory, 'qemu');
  await writeFile(qemu, `#!/bin/sh\necho start >> ${directory}/starts\n${script}\n`, { mode: 0o755 });
  for (const file of ['vmlinux', 'initrd.cpio', 'root.ext4', 'starts']) {
    await writeFile(join(directory, file), '', { mode: 0o666 });
    await chmod(join(directory, file), 0o666);
  }
  const image: BaseImage = {
    digest: '0'.repeat(64),
    directory,
    kernel: join(directory, 'vmlinux'),
    initrd: join(directory, 'initrd.cpio'),
    root: join(directory, 'root.ext4'),
    manifest: { format: 2, kernel: { name: 'none', version: '0' }, own: '', node: 'v0', files: {} },
  };
  const shape = { accelerator: ACCELERATOR, memoryMib: 64, vcpus: 1, workers: 1 };
  return { id: 'test', image, shape, qemu };
}

const starts = async (directory: string) => (await readFile(join(directory, 'starts'), 'utf8')).split('\n').length - 1;
const failure = async (booting: Promise<unknown>): Promise<CloudletError> => {
  const outcome = await booting.catch((error: unknown) => error);
  assert.instance(outcome, Error, 'the machine booted');
  return outcome as CloudletError;
};

boot('ends with the first word of the agent, which is left in the channel', async ({ directory }) => {
  const machine = await bootMachine(await withFakeQemu(directory, `${AGENT} exec sleep 60`));
  try {
    assert.is(machine.channel.read().toString(), 'word');
  } finally {
    await machine.close();
  }
  assert.is((await machine.exited).signal, 'SIGTERM');
});

boot('leaves nothing open when its machine is closed, or could not be started', async ({ directory }) => {
  const options = await withFakeQemu(directory, `${AGENT} exec sleep 60`);
  // Some files are opened by the first machine and stay open as long as this process.
  await (await bootMachine(options)).close();
  const before = openDescriptors();
  for (let round = 0; round < 3; round += 1) {
    await (await bootMachine(options)).close();
    assert.equal(notBefore(before, openDescriptors()), []);
  }
  await failure(bootMachine(await withFakeQemu(directory, 'exit 3')));
  assert.equal(notBefore(before, openDescriptors()), []);
});

boot('that fails quotes the end of what QEMU and the console said', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'echo "kernel panic"; echo "no such cpu" >&2; exit 3');
  const error = await failure(bootMachine(options));
  assert.is(error.code, 'machine-failed');
  assert.match(error.message, 'QEMU ended with status 3');
  assert.match(error.message, 'kernel panic');
  assert.match(error.message, 'no such cpu');
  assert.is(await starts(directory), 1);
});

boot('that hangs is tried once more, then given up', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'exec sleep 60');
  const error = await failure(bootMachine({ ...options, bootMs: 200 }));
  assert.is(error.code, 'machine-failed');
  assert.match(error.message, 'the guest was silent for 200 ms, 2 times');
  assert.is(await starts(directory), 2);
});

boot('that hangs once only succeeds', async ({ directory }) => {
  const script = `[ $(wc -l < ${directory}/starts) -gt 1 ] && { ${AGENT} }; exec sleep 60`;
  const machine = await bootMachine({ ...(await withFakeQemu(directory, script)), bootMs: 1500 });
  await machine.close();
  assert.is(await starts(directory), 2);
});

boot('waits for the kernel to have taken its identity, and then the time once more', async ({ directory }) => {
  const options = await withFakeQemu(directory, `${TAKE} printf word >&3; exec sleep 60`);
  const error = await failure(bootMachine({ ...options, bootMs: 200 }));
  assert.match(error.message, 'the guest was silent for 200 ms');
});

boot('is not believed when the control port says something else', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'head -c 96 <&5 >/dev/null; printf x >&5; exec sleep 60');
  const error = await failure(bootMachine(options));
  assert.is(error.code, 'machine-failed');
  assert.match(error.message, 'expected the answer to an identity on the control port, got byte 120');
  assert.is(await starts(directory), 1, 'another boot would say the same');
});

boot('that ends before anybody read its last word is over all the same', async ({ directory }) => {
  const machine = await bootMachine(await withFakeQemu(directory, `${AGENT} read -r line <&3; exit 7`));
  machine.channel.write('go\n');
  assert.is((await machine.exited).code, 7);
  await machine.close();
});

boot('is given up when the caller says so, and the machine is gone', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'exec sleep 60');
  const stop = new AbortController();
  const booting = bootMachine({ ...options, signal: stop.signal });
  stop.abort(new Error('changed my mind'));
  assert.is((await failure(booting)).message, 'changed my mind');
});

boot('without QEMU says what could not be run', async ({ directory }) => {
  const options = await withFakeQemu(directory, '');
  const error = await failure(bootMachine({ ...options, qemu: join(directory, 'none') }));
  assert.match(error.message, /none/);
});

boot('from an image that is gone says so, and how to have it again', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'exec sleep 60');
  await rm(options.image.root);
  const error = await failure(bootMachine(options));
  assert.is(error.code, 'sandbox-unavailable');
  assert.match(error.message, /base image cannot be read: ENOENT.*cloudlet image build/);
  assert.is(await starts(directory), 0);
});

boot('ends a machine that heeds no signal', async ({ directory }) => {
  const machine = await bootMachine(await withFakeQemu(directory, `trap "" TERM; ${AGENT} while :; do sleep 1; done`));
  await Promise.all([machine.close(), machine.close()]);
  assert.is((await machine.exited).signal, 'SIGTERM');
});

boot('leaves QEMU no descriptors but its own', async ({ directory }) => {
  const machine = await bootMachine(
    await withFakeQemu(directory, `ls /proc/self/fd > ${directory}/starts; ${AGENT} exec sleep 60`),
  );
  await machine.close();
  const open = (await readFile(join(directory, 'starts'), 'utf8')).trim().split('\n').map(Number);
  // What this process itself was started with, a child of it always has.
  const always = spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout.trim().split('\n').map(Number);
  // Beyond those: agent, QMP, control, root, bulk, kernel, initrd, nothing in place of memory and states, the line of
  // the one worker, the library of held files, and the script that the shell reads.
  const more = open.filter((fd) => !always.includes(fd));
  assert.ok(more.length <= 13, more.join(' '));
});

boot.run();
