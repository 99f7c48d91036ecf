import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ImageMemo } from '../../../runtime/image/image-memo.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const KERNEL = { name: 'linux-image-1', version: '1.0' };

interface Context {
  directory: string;
  path: string;
  file: string;
}
const memo = suite<Context>('an image memo');
memo.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-memo-'));
  context.path = join(context.directory, 'memo.json');
  context.file = join(context.directory, 'file');
  await writeFile(context.file, 'content');
});
memo.after.each((context) => rm(context.directory, { recursive: true }));

/** A file is remembered only when it has been left alone for a while: the files of these tests have. */
const later = () => Date.now() + 10_000;

/** A memo that holds a wrong digest for the file, which shows when it is believed. */
async function poisoned({ path, file }: Context, now = later): Promise<ImageMemo> {
  const first = await ImageMemo.open(path, now);
  await first.digest(file);
  await first.kernel(async () => KERNEL);
  await first.save();
  await writeFile(path, (await readFile(path, 'utf8')).replace(sha256('content'), 'remembered'));
  return ImageMemo.open(path, now);
}

memo('believes what it knows of a file that is as it was', async (context) => {
  const known = await poisoned(context);
  assert.is(await known.digest(context.file), 'remembered');
});

for (const [what, change, content] of [
  ['was appended to', (file: string) => appendFile(file, '!'), 'content!'],
  ['was cut off', (file: string) => truncate(file, 3), 'con'],
  ['holds other bytes of the same length', (file: string) => writeFile(file, 'CONTENT'), 'CONTENT'],
  [
    'holds other bytes and bears its old time again',
    async (file: string) => {
      await writeFile(file, 'CONTENT');
      await utimes(file, 1, 1);
    },
    'CONTENT',
  ],
] as const) {
  memo(`looks again at a file that ${what}`, async (context) => {
    await utimes(context.file, 1, 1);
    const known = await poisoned(context);
    assert.is(await known.digest(context.file), 'remembered');
    await change(context.file);
    assert.is(await known.digest(context.file), sha256(content));
  });
}

memo('remembers nothing of a file that has just changed', async (context) => {
  const known = await poisoned(context, Date.now);
  assert.is(await known.digest(context.file), sha256('content'));
});

for (const [what, spoil] of [
  ['of another boot', (text: string) => text.replace(/"bootId":"/, '"bootId":"x')],
  ['of another format', (text: string) => text.replace('"format":1', '"format":0')],
  ['that is torn', (text: string) => text.slice(0, text.length / 2)],
] as const) {
  memo(`${what} is not believed`, async (context) => {
    await poisoned(context);
    await writeFile(context.path, spoil(await readFile(context.path, 'utf8')));
    assert.is(await (await ImageMemo.open(context.path)).digest(context.file), sha256('content'));
  });
}

memo('asks for the kernel once for each state of the package lists', async ({ path }) => {
  let asked = 0;
  const resolve = async () => {
    asked++;
    return KERNEL;
  };
  const first = await ImageMemo.open(path);
  await first.kernel(resolve);
  await first.save();
  assert.equal(await (await ImageMemo.open(path)).kernel(resolve), KERNEL);
  assert.is(asked, 1);
  await writeFile(path, (await readFile(path, 'utf8')).replace(/"stamp":"[^"]*","found"/, '"stamp":"older","found"'));
  await (await ImageMemo.open(path)).kernel(resolve);
  assert.is(asked, 2);
});

memo('drops files that are gone when it is written', async (context) => {
  const known = await poisoned(context);
  await rm(context.file);
  await writeFile(context.path, '{}');
  await known.kernel(async () => KERNEL);
  const other = join(context.directory, 'other');
  await writeFile(other, '');
  await known.digest(other);
  await known.save();
  assert.equal(Object.keys(JSON.parse(await readFile(context.path, 'utf8')).digests), [other]);
});

memo.run();
