import { PassThrough } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { ServerDoor } from '../../../runtime/service/server-door.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const doors = suite('the way to a server');

const turn = () => new Promise((resolve) => setImmediate(resolve));
const refusal = () => Promise.reject(new CloudletError('not-ready', 'nothing listens'));

function open(connect: () => Promise<PassThrough>) {
  const clock = new FakeClock();
  const lost: string[] = [];
  const door = new ServerDoor({ relay: { connect }, port: 80, clock, lost: ({ message }) => lost.push(message) });
  return { clock, lost, door, left: new AbortController() };
}

doors('a VM that answers nothing for a minute is lost, though its callers had no such patience', async () => {
  const { clock, lost, door, left } = open(() => new Promise(() => {}));
  const asked = door.connect(left.signal).catch((error: Error) => error.message);
  left.abort(new Error('left'));
  assert.is(await asked, 'left');
  clock.advance(59_000);
  assert.equal(lost, []);
  clock.advance(1000);
  assert.match(lost.join(), /answered nothing for 60 s/);
});

doors('one that answers late is not, and a connection that nobody waits for is closed', async () => {
  const late = Promise.withResolvers<PassThrough>();
  const { clock, lost, door, left } = open(() => late.promise);
  const asked = door.connect(left.signal).catch((error: Error) => error.message);
  left.abort(new Error('left'));
  await asked;
  const connection = new PassThrough();
  late.resolve(connection);
  await turn();
  assert.ok(connection.destroyed);
  clock.advance(120_000);
  assert.equal(lost, []);
});

doors('a server that refuses for more than a second has ended', async () => {
  const { clock, lost, door, left } = open(refusal);
  const asked = door.connect(left.signal).catch(({ code }: CloudletError) => code);
  for (const ms of [250, 1000]) {
    await turn();
    assert.equal(lost, []);
    clock.advance(ms);
  }
  assert.is(await asked, 'machine-failed');
  assert.match(lost.join(), /nothing listens at port 80/);
  clock.advance(120_000);
  assert.is(lost.length, 1);
});

doors('who leaves while a server starts anew leaves at once', async () => {
  const { lost, door, left } = open(refusal);
  const asked = door.connect(left.signal).catch((error: Error) => error.message);
  await turn();
  left.abort(new Error('left'));
  assert.is(await asked, 'left');
  assert.equal(lost, []);
});

doors.run();
