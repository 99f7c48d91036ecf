import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findProgram, machineRoot, parseLdd } from '../../../../runtime/machine/confinement/machine-root.ts';

const root = suite('the root of a machine');

root('holds the program, its libraries, its loader and its firmware', async () => {
  const qemu = await findProgram('qemu-system-x86_64');
  const content = await machineRoot(qemu);
  assert.not.ok('reason' in content);
  if ('reason' in content) return;
  assert.is(content.files[0], qemu);
  for (const part of [/\/libc\.so\.6$/, /\/ld-linux-x86-64\.so\.2$/]) {
    assert.ok(
      content.files.some((path) => part.test(path)),
      String(part),
    );
  }
  assert.ok(
    content.folders.some((path) => path.endsWith('/share/qemu')),
    content.folders.join(),
  );
  assert.is(new Set(content.files).size, content.files.length);
});

root('cannot be known of a script, and that is told', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-root-'));
  try {
    const script = join(directory, 'qemu');
    await writeFile(script, '#!/bin/sh\n', { mode: 0o755 });
    const content = await machineRoot(script);
    assert.ok('reason' in content);
    if ('reason' in content) assert.match(content.reason, /qemu is no ELF program/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

root('is made of the paths that ldd says, once each', () => {
  const said = `/usr/bin/qemu:
\tlinux-vdso.so.1 (0x00007fff8a7fe000)
\tlibz.so.1 => /lib/libz.so.1 (0x00007f0000000000)
\tlibnone.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1111111111)
/usr/lib/qemu/accel.so:
\tlibz.so.1 => /lib/libz.so.1 (0x00007f0000000000)
\tstatically linked
`;
  assert.equal(parseLdd(said), ['/lib/libz.so.1', '/lib64/ld-linux-x86-64.so.2']);
});

root.run();
