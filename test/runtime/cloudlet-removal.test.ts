// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, type LogLine, parseName } from '../../guest-sdk/protocol/index.ts';
import { type CloudletLab, openLab, publishGuest } from '../support/cloudlet-lab.ts';

/** Functions that are removed while their invocations go on: nothing of them is left to who publishes the name next. */
const removal = suite('a function that is removed while it runs');
const NAME = parseName('taken');
let lab: CloudletLab;

removal.before(async () => {
  lab = await openLab();
});
removal.after(() => lab.close());

async function linesOf(name: typeof NAME): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of lab.cloudlet.logs(name)) lines.push(line);
  return lines;
}

removal('a call that began before the removal writes nothing into the stores of the name', async () => {
  const grant = { stores: { keyvalue: { bytes: 1_000_000 }, blobs: { bytes: 1_000_000 } } };
  const { cloudlet } = lab;
  const count = async (): Promise<unknown> =>
    (await cloudlet.call(NAME, 'count', [], { argumentFormat: 'json', resultFormat: 'json' })).value;
  await publishGuest(cloudlet, 'stores', NAME, grant);
  // The same component under another name stays, and so does what is needed to start it.
  await publishGuest(cloudlet, 'stores', 'stays', grant);
  assert.is(Number(await count()), 1);
  const late = Promise.allSettled([count(), count()]);
  await cloudlet.remove(NAME);
  assert.equal(
    (await late).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal((await cloudlet.status()).stores, { keyValueBytes: 0, blobBytes: 0 });
  await publishGuest(cloudlet, 'stores', NAME, grant);
  assert.is(Number(await count()), 1);
  await cloudlet.remove(NAME);
});

removal('how its invocations end is in no log', async () => {
  const { cloudlet } = lab;
  await publishGuest(cloudlet, 'cat', NAME);
  const entered = Promise.withResolvers<void>();
  const leave = cloudlet.subscribe((event) => {
    if (event.kind === 'invocation' && event.invocation.start !== undefined) entered.resolve();
  });
  const spins = cloudlet
    .invoke(NAME, { door: 'run', arguments: ['spin'] }, new Uint8Array(0), { deadlineMs: 1000 })
    .then(({ done }) => done);
  const ended = spins.catch((error: unknown) => (error as CloudletError).code);
  await entered.promise;
  leave();
  await cloudlet.remove(NAME);
  assert.is(await ended, 'deadline-exceeded');
  await publishGuest(cloudlet, 'cat', NAME);
  assert.equal(await linesOf(NAME), []);
});

removal.run();
