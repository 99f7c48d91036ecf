import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptBuild } from '../../../host/cli/kept-build.ts';

interface World {
  folder: string;
  project: string;
  maker: string;
}

const kept = suite<World>('a kept build');

kept.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-kept-'));
  context.project = join(context.folder, 'project');
  context.maker = join(context.folder, 'maker');
  await mkdir(join(context.project, 'src'), { recursive: true });
  await mkdir(context.maker);
  await writeFile(join(context.project, 'src', 'main.c'), 'int main;');
  await writeFile(join(context.maker, 'tool.ts'), '');
});
kept.after.each(({ folder }) => rm(folder, { recursive: true }));

async function finish({ project }: World, name = 'it.wasm'): Promise<string> {
  const path = join(project, 'build', name);
  await mkdir(join(project, 'build'), { recursive: true });
  await writeFile(path, 'component');
  await touch(path, 10);
  return path;
}

/** Sets a time of change, seconds from now. */
async function touch(path: string, seconds: number): Promise<void> {
  const time = Date.now() / 1000 + seconds;
  await utimes(path, time, time);
}

kept('is none before the first build', async ({ project, maker }) => {
  assert.is(await keptBuild(project, [maker]), null);
});

kept('is the component with its size and digest', async (context) => {
  const component = await finish(context);
  assert.equal(await keptBuild(context.project, [context.maker]), {
    component,
    sizeBytes: 9,
    digest: 'sha256:6985ca1f4daa5a584a28eae043a239cb96689af1337ea13afb63e00c2bf512fa',
  });
});

for (const changed of ['project/src/main.c', 'project/src', 'project', 'maker/tool.ts', 'maker']) {
  kept(`is none when ${changed} changed since`, async (context) => {
    await finish(context);
    await touch(join(context.folder, changed), 20);
    assert.is(await keptBuild(context.project, [context.maker]), null);
  });
}

kept('what else is in its own folder does not matter, but a second component does', async (context) => {
  await finish(context);
  await finish(context, '.it-1-2.partial.wasm');
  await finish(context, 'notes.txt');
  await touch(join(context.project, 'build', 'notes.txt'), 20);
  assert.is.not(await keptBuild(context.project, [context.maker]), null);
  await finish(context, 'former-name.wasm');
  assert.is(await keptBuild(context.project, [context.maker]), null);
});

kept.run();
