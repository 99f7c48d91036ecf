import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EarlySync } from '../../../runtime/store/early-sync.ts';

const syncs = suite('a long file that comes');
const MIB = 1024 * 1024;

/** A file whose disk writes when it is told to. */
function slowFile() {
  const said: string[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  return {
    ...{ said, waiting },
    datasync: () => {
      said.push('datasync');
      const each = Promise.withResolvers<void>();
      waiting.push(each);
      return each.promise;
    },
    sync: async () => void said.push('sync'),
  };
}

const turn = () => new Promise(setImmediate);

syncs('is written to the disk while it comes, one request at a time, and all of it at its end', async () => {
  const file = slowFile();
  const early = new EarlySync(file);
  early.wrote(MIB);
  assert.equal(file.said, []);
  for (const mib of [2, 3, 4, 5]) early.wrote(mib * MIB);
  assert.equal(file.said, ['datasync']);
  file.waiting[0]!.resolve();
  await turn();
  early.wrote(6 * MIB);
  assert.equal(file.said, ['datasync', 'datasync']);
  const end = early.end();
  await turn();
  assert.equal(file.said, ['datasync', 'datasync']);
  file.waiting[1]!.resolve();
  await end;
  assert.equal(file.said, ['datasync', 'datasync', 'sync']);
});

syncs('is not there when the disk failed on its way: the kernel tells that once', async () => {
  const file = slowFile();
  const early = new EarlySync(file);
  early.wrote(3 * MIB);
  file.waiting[0]!.reject(new Error('EIO'));
  const error = await early.end().catch((thrown: unknown) => thrown);
  assert.is((error as Error).message, 'EIO');
  assert.equal(file.said, ['datasync']);
  await early.settled();
});

syncs.run();
