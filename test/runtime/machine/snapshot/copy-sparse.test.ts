import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { copySparse } from '../../../../runtime/machine/snapshot/copy-sparse.ts';

const MIB = 2 ** 20;
const BYTES = 64 * MIB;

interface Context {
  directory: string;
}
const copies = suite<Context>('a copy of a sparse file');

copies.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-copy-'));
});
copies.after.each(({ directory }) => rm(directory, { recursive: true }));

copies('has its bytes and its holes, and keeps the mode of the file that was there', async ({ directory }) => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  const file = await open(from, 'w', 0o644);
  await file.truncate(BYTES);
  await file.write(Buffer.from('in the middle'), 0, 13, BYTES / 2);
  await file.close();
  await writeFile(to, '', { mode: 0o600 });
  await copySparse(from, to);
  const { size, blocks, mode } = await stat(to);
  assert.is(size, BYTES);
  assert.ok(blocks * 512 < MIB, `${blocks} blocks`);
  assert.is(mode & 0o777, 0o600);
  assert.is((await readFile(to)).subarray(BYTES / 2, BYTES / 2 + 13).toString(), 'in the middle');
});

copies('of what is not there says so', async ({ directory }) => {
  const error = await copySparse(join(directory, 'none'), join(directory, 'to')).then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is((error as CloudletError).code, 'storage-unavailable');
  assert.match((error as CloudletError).message, /memory could not be copied: .*No such file/);
});

copies('is given up when asked to', async ({ directory }) => {
  const from = join(directory, 'from');
  await writeFile(from, 'x');
  const copying = copySparse(from, join(directory, 'to'), AbortSignal.abort());
  assert.instance(await copying.catch((error: unknown) => error), Error);
});

copies.run();
