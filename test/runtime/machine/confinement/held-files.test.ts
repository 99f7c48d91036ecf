import { once } from 'node:events';
import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { heldFilesEnvironment } from '../../../../runtime/machine/confinement/held-files.ts';
import { PROBE_STATUS } from '../../../../runtime/machine/firmware.ts';
import { openFirmware } from '../../../../runtime/machine/firmware-file.ts';
import { MEASURING_ARGS } from '../../../../runtime/machine/qemu-args.ts';
import { startQemu } from '../../../../runtime/machine/qemu-process.ts';

const MEMORY_BYTES = 64 * 2 ** 20;
const QEMU = { qemu: 'qemu-system-x86_64', accelerator: 'tcg' } as const;
/** A guest whose memory is a private mapping of the file that is descriptor 3; `-machine` overrides what is measured with. */
const PRIVATE_MEMORY = [
  ...['-accel', 'tcg', '-cpu', 'max', ...MEASURING_ARGS, '-machine', 'memory-backend=m'],
  ...['-object', `memory-backend-file,id=m,size=${MEMORY_BYTES},mem-path=/proc/self/fd/3,share=off`],
];

interface Context {
  directory: string;
  path: string;
}
const held = suite<Context>('a held file');

held.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-held-'));
  context.path = join(context.directory, 'memory');
  // Nobody but root reads or writes it; the directory is root's alone, too.
  await writeFile(context.path, Buffer.alloc(MEMORY_BYTES, 'm'), { mode: 0o600 });
});
held.after.each((context) => rm(context.directory, { recursive: true }));

/** Opens a file for a test, and a firmware. */
async function withFiles<T>(
  path: string,
  flags: number,
  name: 'probe' | 'clock',
  use: (file: FileHandle, firmware: FileHandle) => Promise<T>,
): Promise<T> {
  const [file, firmware] = [await open(path, flags), await openFirmware(name)];
  try {
    return await use(file, firmware);
  } finally {
    await Promise.all([file.close(), firmware.close()]);
  }
}

held("is a guest's memory, which it writes and nobody else sees", async ({ path }) => {
  await withFiles(path, constants.O_RDONLY, 'probe', async (file, firmware) => {
    const args = [...PRIVATE_MEMORY, '-bios', '/proc/self/fd/4', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'];
    const stdio = ['ignore' as const, 'ignore' as const, 'inherit' as const, file.fd, firmware.fd];
    const child = await startQemu({ ...QEMU, args, stdio, readOnlyFiles: [3] });
    const [status] = await once(child, 'close');
    assert.is(status, PROBE_STATUS, 'the guest that writes 4096 pages came to its end');
  });
  assert.ok((await readFile(path)).equals(Buffer.alloc(MEMORY_BYTES, 'm')));
});

held('is mapped privately through descriptors that cannot write', async ({ path }) => {
  await withFiles(path, constants.O_RDONLY, 'clock', async (file, firmware) => {
    const args = [...PRIVATE_MEMORY, '-bios', '/proc/self/fd/4', '-chardev', 'socket,id=s,fd=5'];
    const stdio = ['ignore' as const, 'ignore' as const, 'inherit' as const, file.fd, firmware.fd, 'pipe' as const];
    const child = await startQemu({ ...QEMU, args: [...args, '-serial', 'chardev:s'], stdio, readOnlyFiles: [3] });
    try {
      const port = (child.stdio as readonly unknown[])[5] as Duplex;
      port.write('?');
      await once(port, 'data'); // The guest runs.
      const maps = readFileSync(`/proc/${child.pid}/maps`, 'utf8').split('\n');
      for (const absent of ['libcapstone', 'libpmem', 'libcrypto', 'libgnutls', 'libp11-kit']) {
        const mapped = maps.some((line) => line.includes(absent));
        assert.not.ok(mapped, `${absent} is there: a library of ours stands for it`);
      }
      const ofFile = maps.filter((line) => line.endsWith(path));
      assert.ok(ofFile.length > 0 && ofFile.every((line) => line.includes(' rw-p ')), ofFile.join('\n'));
      const rights = readdirSync(`/proc/${child.pid}/fd`)
        .filter((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`) === path)
        .map((fd) => /flags:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/fdinfo/${fd}`, 'utf8'))![1]!);
      assert.ok(rights.length >= 2, 'what is inherited, and its copy');
      assert.ok(
        rights.every((flags) => (Number.parseInt(flags, 8) & 3) === constants.O_RDONLY),
        rights.join(' '),
      );
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});

held('cannot be written by the user that QEMU is', async ({ path }) => {
  if (process.getuid?.() !== 0) return; // An ordinary user's QEMU is that user, who owns the file.
  await withFiles(path, constants.O_RDONLY, 'clock', async (file) => {
    // Without `readOnlyFiles`: the rights are the kernel's to refuse, not the library's.
    const said = await output(['-c', 'echo x 1<>/proc/self/fd/3'], file);
    assert.match(said, /Permission denied/);
  });
});

held('is refused when it should be read-only and is not, and given when it may be written', async ({ path }) => {
  await withFiles(path, constants.O_RDWR, 'clock', async (file) => {
    await file.write('first\n', 0);
    const script = 'read -r line </proc/self/fd/3 && echo "$line"';
    assert.match(await output(['-c', script], file, { readOnlyFiles: [3] }), /Permission denied/);
    assert.is(await output(['-c', script], file, { writableFiles: [3] }), 'first\n');
  });
});

/** What a shell in QEMU's place says; the file is its descriptor 3. */
async function output(args: string[], file: FileHandle, files: object = {}): Promise<string> {
  const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const, file.fd];
  const child = await startQemu({ qemu: '/bin/sh', accelerator: 'tcg', args, stdio, ...files });
  let said = '';
  for (const stream of [child.stdout, child.stderr] as Readable[]) stream.on('data', (text) => (said += text));
  await once(child, 'close');
  return said;
}

const environment = suite('the environment for held files');

for (const [what, files, expected] of [
  ['is empty without any', {}, {}],
  ['is empty for none', { readOnlyFiles: [] }, {}],
  ['names them', { readOnlyFiles: [5, 12], writableFiles: [6] }, { CLOUDLET_HELD_FILES: 'r5,r12,w6,' }],
] as const) {
  environment(what, () => assert.equal(heldFilesEnvironment(files), expected));
}

held.run();
environment.run();
