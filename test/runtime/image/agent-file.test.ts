import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureAgentFile } from '../../../runtime/image/index.ts';

const file = suite('the file of the agent');
let cacheDir: string;

file.before(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'cloudlet-agent-file-'));
});
file.after(() => rm(cacheDir, { recursive: true }));

file('is made once, whoever asks at the same time, and is one file', async () => {
  const [path, again] = await Promise.all([ensureAgentFile(cacheDir), ensureAgentFile(cacheDir)]);
  assert.is(path, again);
  assert.equal(await readdir(join(cacheDir, 'agents')), [basename(path)]);
});

file('is written again when it was torn', async () => {
  const path = await ensureAgentFile(cacheDir);
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, 1000));
  assert.is(await ensureAgentFile(cacheDir), path);
  assert.equal(await readFile(path), whole);
});

file('takes the place of those that nobody has started from for a month', async () => {
  const agents = join(cacheDir, 'agents');
  await mkdir(agents, { recursive: true });
  const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
  for (const name of ['old.mjs', 'half.mjs.tmp']) {
    await writeFile(join(agents, name), '');
    await utimes(join(agents, name), old, old);
  }
  await writeFile(join(agents, 'recent.mjs'), '');
  const path = await ensureAgentFile(cacheDir);
  assert.equal((await readdir(agents)).sort(), [basename(path), 'recent.mjs'].sort());
});

file.run();
