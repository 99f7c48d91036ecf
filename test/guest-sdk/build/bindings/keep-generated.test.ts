import { mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keepGenerated } from '../../../../guest-sdk/build/bindings/keep-generated.ts';

const kept = suite('generated bindings');

kept('are beside the component, replaced as a whole, and not touched when they are the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-kept-'));
  try {
    const output = join(folder, 'build');
    const path = join(output, 'w.h');
    await keepGenerated({ output }, 'w.h', 'first');
    await utimes(path, 1, 1);
    await keepGenerated({ output }, 'w.h', 'first');
    assert.is((await stat(path)).mtimeMs, 1000);
    await keepGenerated({ output }, 'w.h', 'second');
    assert.is(await readFile(path, 'utf8'), 'second');
    assert.equal(await readdir(output), ['w.h']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

kept.run();
