import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import type { CloudletEvent } from '../../runtime/change-feed.ts';
import type { Cloudlet } from '../../runtime/index.ts';
import { bodyOf, type CloudletLab, openLab, publishGuest } from '../support/cloudlet-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';

const NAME: FunctionName = parseName('ladder');

interface Context {
  lab: CloudletLab;
}
const ladder = suite<Context>('the start ladder of a cloudlet');

ladder.before(async (context) => {
  context.lab = await openLab({ sandbox: 'microvm', cacheDir: TEST_CACHE, limits: { machines: 4 } });
});
ladder.after(({ lab }) => lab.close());

/** Sends some bytes through the command and gives the rung by which they went. */
async function rungOf(cloudlet: Cloudlet): Promise<string> {
  const invocation = await cloudlet.invoke(NAME, { door: 'run', arguments: [] }, bodyOf('there and back'));
  let text = '';
  for await (const chunk of invocation.output) text += Buffer.from(chunk).toString();
  assert.is(text, 'there and back');
  return invocation.timing.start;
}

ladder('tells of a publish at once, and later that the snapshot is there', async ({ lab }) => {
  const prepared = Promise.withResolvers<CloudletEvent>();
  const unsubscribe = lab.cloudlet.subscribe((event) => {
    if (event.kind === 'prepared') prepared.resolve(event);
  });
  const { version } = await publishGuest(lab.cloudlet, 'cat', NAME);
  const first = await rungOf(lab.cloudlet);
  assert.ok(['golden-clone', 'restored', 'idle'].includes(first), first);
  assert.equal(await prepared.promise, { kind: 'prepared', function: NAME, version });
  unsubscribe();
  const { snapshots } = await lab.cloudlet.status();
  assert.ok(snapshots!.kept >= 2 && snapshots!.bytes > 0, JSON.stringify(snapshots));
});

ladder('starts a function after a restart of the cloudlet by a clone of its snapshot', async ({ lab }) => {
  const cloudlet = await lab.reopen();
  assert.is(await rungOf(cloudlet), 'function-clone');
  assert.is(await rungOf(cloudlet), 'idle');
});

ladder('copies the memory of each machine where nothing may be shared', async ({ lab }) => {
  const cloudlet = await lab.reopen({ isolation: 'dedicated' });
  assert.is(await rungOf(cloudlet), 'function-clone');
  assert.is((await cloudlet.status()).snapshots?.isolation, 'dedicated');
});

ladder('keeps no snapshot of a function that was removed', async ({ lab }) => {
  const before = (await lab.cloudlet.status()).snapshots!.kept;
  await lab.cloudlet.remove(NAME);
  await lab.reopen();
  assert.is((await lab.cloudlet.status()).snapshots!.kept, before - 1);
});

ladder.run();
