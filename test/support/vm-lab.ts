/**
 * Real VMs on a root of a few megabytes, for tests that need a kernel, a shell and a few small servers, and no Debian.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { LOADER, librariesOf } from '../../runtime/image/image-inputs.ts';
import { MODULES } from '../../runtime/image/init-program.ts';
import { makeInitrd } from '../../runtime/image/initrd.ts';
import { readKernelFiles } from '../../runtime/image/kernel-files.ts';
import { resolveKernel } from '../../runtime/image/kernel-package.ts';
import { chooseAccelerator } from '../../runtime/machine/index.ts';
import { relayProgram } from '../../runtime/vm/guest/relay-program.ts';
import { bootVm } from '../../runtime/vm/machine/boot-vm.ts';
import type { BootVmOptions, StartedVm, VmShape } from '../../runtime/vm/machine/vm-options.ts';
import type { Vm } from '../../runtime/vm/vm.ts';
import { TEST_CACHE } from './microvm-lab.ts';

const run = promisify(execFile);
const DISK_MIB = 256;

/** Kernel, initial root and a root disk with busybox and Node in it; made once for each run that has another. */
export interface TinyVm {
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly diskBytes: number;
}

let made: Promise<TinyVm> | undefined;

/** The parts of a VM, in a directory of the test cache that is named after what they are made from. */
export function tinyVm(): Promise<TinyVm> {
  made ??= makeTinyVm();
  return made;
}

async function makeTinyVm(): Promise<TinyVm> {
  const kernel = await resolveKernel();
  const directory = join(TEST_CACHE, `tiny-vm-${kernel.name}-${kernel.version}`);
  const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-tiny-'));
  try {
    if (!existsSync(directory)) {
      const draft = join(scratch, 'draft');
      await mkdir(draft);
      const { vmlinux, modules } = await readKernelFiles(kernel, join(scratch, 'kernel'));
      await writeFile(join(draft, 'vmlinux'), vmlinux);
      for (const [at, bytes] of modules.entries()) await writeFile(join(draft, `${at}.ko`), bytes);
      await makeRoot(scratch, join(draft, 'root.ext4'));
      await mkdir(TEST_CACHE, { recursive: true });
      // Another test may have been faster: what it made is the same.
      await cp(draft, `${directory}.${process.pid}`, { recursive: true });
      await rename(`${directory}.${process.pid}`, directory).catch(() =>
        rm(`${directory}.${process.pid}`, { recursive: true }),
      );
    }
    // The relay is that of this source, whatever is in the cache.
    const modules = await Promise.all(MODULES.map((_, at) => readFile(join(directory, `${at}.ko`))));
    const bytes = makeInitrd(relayProgram(), modules);
    const initrd = join(directory, `initrd-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`);
    if (!existsSync(initrd)) {
      await writeFile(`${initrd}.${process.pid}`, bytes);
      await rename(`${initrd}.${process.pid}`, initrd);
    }
    return {
      kernel: join(directory, 'vmlinux'),
      initrd,
      root: join(directory, 'root.ext4'),
      diskBytes: DISK_MIB * 2 ** 20,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A root with a static busybox, and the Node that runs here. */
async function makeRoot(scratch: string, path: string): Promise<void> {
  await chmod(scratch, 0o777);
  await run('apt-get', ['download', '-q', 'busybox-static'], { cwd: scratch });
  const deb = (await readdir(scratch)).find((name) => name.endsWith('.deb'))!;
  await run('dpkg-deb', ['-x', join(scratch, deb), join(scratch, 'unpacked')]);
  const root = join(scratch, 'root');
  for (const folder of ['bin', 'sbin', 'usr', 'etc', 'root', 'var', 'dev', 'proc', 'sys', 'tmp', 'run']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  const found = (await readdir(join(scratch, 'unpacked'), { recursive: true })).find((name) =>
    name.endsWith('bin/busybox'),
  )!;
  await copyFile(join(scratch, 'unpacked', found), join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  const { stdout } = await run(join(root, 'bin/busybox'), ['--list']);
  for (const name of stdout
    .trim()
    .split('\n')
    .filter((each) => each !== 'busybox'))
    await symlink('busybox', join(root, 'bin', name));
  await copyFile(process.execPath, join(root, 'bin/node'));
  await mkdir(join(root, 'lib'));
  await mkdir(join(root, 'lib64'));
  for (const library of await librariesOf(process.execPath))
    await copyFile(library, join(root, 'lib', basename(library)));
  await copyFile(LOADER, join(root, LOADER));
  await chmod(join(root, LOADER), 0o755);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-O', '^has_journal', '-m', '0', path, `${DISK_MIB}M`], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
}

/** The shape of a small VM, with the accelerator that works here. */
export async function tinyShape(): Promise<VmShape> {
  const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
  return { accelerator, memoryMib: 192, vcpus: 1 };
}

/** Boots one. Under emulation on a busy computer that may take long. */
export async function bootTinyVm(options: Partial<BootVmOptions> = {}): Promise<StartedVm> {
  const { kernel, initrd, root, diskBytes } = await tinyVm();
  const disk = { layers: [{ path: root, format: 'raw' as const }], bytes: diskBytes, growthBytes: 64 * 2 ** 20 };
  return bootVm({ id: randomUUID(), kernel, initrd, shape: await tinyShape(), disk, bootMs: 90_000, ...options });
}

/** What a command says and ends with. */
export async function sh(vm: Vm, command: string): Promise<{ status: number; output: string }> {
  const said: Uint8Array[] = [];
  const status = await vm.relay.run({ command, output: (bytes) => void said.push(bytes) });
  return { status, output: Buffer.concat(said).toString() };
}

/** The port of `startEcho`. */
export const ECHO_PORT = 7;

/** Starts a server that says what it hears, and outlives this host; resolves when it listens. */
export async function startEcho(vm: Vm): Promise<void> {
  const program = `net.createServer({ allowHalfOpen: true }, (s) => { s.on('error', () => {}); s.pipe(s); }).listen(${ECHO_PORT}, '127.0.0.1', 1000)`;
  vm.relay.run({ command: `exec node -e "${program}"`, detached: true }).catch(() => undefined);
  for (;;) {
    try {
      const connection = await vm.relay.connect(ECHO_PORT);
      connection.resume().end();
      await once(connection, 'close');
      return;
    } catch (error) {
      if ((error as CloudletError).code !== 'not-ready') throw error;
      await sh(vm, 'sleep 0.1');
    }
  }
}

/** Sends bytes to the server of `startEcho` over a connection of their own, and gives what comes back. */
export async function echo(vm: Vm, bytes: Uint8Array): Promise<Buffer> {
  const connection = await vm.relay.connect(ECHO_PORT);
  connection.end(bytes);
  const said: Buffer[] = [];
  for await (const piece of connection) said.push(piece as Buffer);
  return Buffer.concat(said);
}
