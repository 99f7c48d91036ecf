import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { openPrograms } from '../../../../runtime/machine/confinement/program-file.ts';

const files = suite('the files of our programs');

files('have no name, and are in the first place that will do', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-places-'));
  try {
    const { spawner, heldFiles, standIns } = await openPrograms([join(directory, 'none'), directory]);
    assert.equal(await readdir(directory), []);
    assert.is((await spawner.stat()).mode & 0o777, 0o555);
    await Promise.all([spawner, heldFiles, ...standIns].map((file) => file.close()));
  } finally {
    await rm(directory, { recursive: true });
  }
});

files('cannot be had where no directory lets a program run, and the remedy is told', async () => {
  const error = await openPrograms(['/proc', '/none']).catch((thrown: CloudletError) => thrown);
  assert.is((error as CloudletError).code, 'sandbox-unavailable');
  assert.match((error as CloudletError).message, /got \/proc \(.*\/none \(.*set TMPDIR/);
});

files.run();
