import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { takenBack } from '../../../../runtime/provision/arrival/take-back.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const taking = suite('taking a version back');

const full = new CloudletError('storage-full', 'no room');

/** Takes back against a disk that says these things in turn, then nothing. */
function disk(...says: readonly Error[]) {
  const clock = new FakeClock();
  const told: string[] = [];
  const left = [...says];
  const done = takenBack(
    async () => {
      told.push(`take back at ${clock.now()}`);
      const error = left.shift();
      if (error !== undefined) throw error;
    },
    async () => void told.push(`make room at ${clock.now()}`),
    clock,
  );
  /** Lets time pass, and what is due then happen. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turns = 0; turns < 3; turns += 1) await Promise.resolve();
  };
  return { told, done, pass };
}

taking('with room for it, it is taken back at once', async () => {
  const { told, done, pass } = disk();
  await done;
  await pass(60_000);
  assert.equal(told, ['take back at 0']);
});

taking('on a full disk what was sent of it goes first', async () => {
  const { told, done, pass } = disk(full);
  await done;
  await pass(60_000);
  assert.equal(told, ['take back at 0', 'make room at 0', 'take back at 0']);
});

taking('where that does not help it is tried every five seconds until there is room', async () => {
  const { told, done, pass } = disk(full, full, full, full);
  await done;
  assert.equal(told.slice(2), ['take back at 0']);
  await pass(4999);
  assert.is(told.length, 3);
  for (const at of [5000, 10_000, 15_000]) {
    await pass(at === 5000 ? 1 : 5000);
    assert.is(told.at(-1), `take back at ${at}`);
  }
  await pass(60_000);
  assert.is(told.length, 6, 'it was taken back');
});

taking('who waits is told of another error; a later one ends the tries', async () => {
  const closed = new Error('the database is not open');
  const first = disk(closed);
  assert.is(await first.done.catch((error) => error), closed);
  assert.equal(first.told, ['take back at 0']);
  const later = disk(full, full, closed);
  await later.done;
  await later.pass(5000);
  await later.pass(60_000);
  assert.equal(later.told.length, 4);
});

taking.run();
