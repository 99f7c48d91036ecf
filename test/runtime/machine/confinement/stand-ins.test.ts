import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHardening } from '../../../../runtime/machine/confinement/hardening.ts';
import { openPrograms } from '../../../../runtime/machine/confinement/program-file.ts';
import { STAND_INS, standsFor } from '../../../../runtime/machine/confinement/stand-ins.ts';
import { MEASURING_ARGS } from '../../../../runtime/machine/qemu-args.ts';
import { startQemu } from '../../../../runtime/machine/qemu-process.ts';
import { QmpConnection } from '../../../../runtime/machine/qmp.ts';

const QEMU = '/usr/bin/qemu-system-x86_64';
/** A program of every Debian that uses GnuTLS for what that is for. */
const SPEAKS_TLS = '/usr/lib/apt/methods/http';

const standIns = suite('what stands for a library');

standIns('is taken where the program finds all that it asks for', async () => {
  const { standIns: found } = await findHardening(QEMU);
  assert.is(found.length, STAND_INS.length);
});

standIns('is left out where the loader cannot take it, or there is no such program', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-stand-in-'));
  try {
    await writeFile(join(directory, 'broken'), 'no library');
    const broken = await open(join(directory, 'broken'));
    assert.is(await standsFor(QEMU, broken.fd), false);
    assert.is(await standsFor(join(directory, 'none'), broken.fd), false);
    await broken.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});

standIns('is left out where the program asks for more than it has', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-stand-in-'));
  const { spawner, heldFiles, standIns: files } = await openPrograms([directory]);
  try {
    const tls = files[STAND_INS.findIndex(({ source }) => source === 'no-tls')]!;
    assert.is(await standsFor(QEMU, tls.fd), true);
    assert.is(await standsFor(SPEAKS_TLS, tls.fd), false);
    assert.is(await standsFor(QEMU, spawner.fd), false, 'a program is no library');
  } finally {
    await Promise.all([spawner, heldFiles, ...files].map((file) => file.close()));
    await rm(directory, { recursive: true });
  }
});

standIns('is asked for in place of libraries that this QEMU links', () => {
  const linked = execFileSync('ldd', [QEMU], { encoding: 'utf8' });
  for (const { library } of STAND_INS) assert.ok(linked.includes(library), library);
});

standIns('gives QEMU random bytes of the kernel', async () => {
  const drawn = new Set<string>();
  for (let start = 0; start < 2; start += 1) drawn.add(await generationId());
  assert.is(drawn.size, 2);
  for (const id of drawn) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'sixteen random bytes, as an id');
});

/** An id that QEMU makes of its own random bytes, as it does for a guest that asks for none in particular. */
async function generationId(): Promise<string> {
  const args = [...['-accel', 'tcg'], ...MEASURING_ARGS, ...['-S', '-device', 'vmgenid,guid=auto']];
  const control = ['-chardev', 'socket,id=q,fd=3', '-mon', 'chardev=q,mode=control'];
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const child = await startQemu({
    ...{ qemu: QEMU, accelerator: 'tcg', args: [...args, ...control], stdio: [...stdio] },
  });
  const exited = once(child, 'close');
  const qmp = new QmpConnection((child.stdio as readonly unknown[])[3] as Duplex);
  const { guid } = (await qmp.execute('query-vm-generation-id')) as { readonly guid: string };
  await Promise.all([qmp.execute('quit'), exited]);
  return guid;
}

standIns.run();
