import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sandbox } from '../../../runtime/sandbox/index.ts';
import { EmptyAhead } from '../../../runtime/sandbox-source/empty-ahead.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const ahead = suite('an empty sandbox while a version is on its way');

class FakeSandbox {
  state: Sandbox['state'] = 'starting';
  async close(): Promise<void> {
    this.state = 'closed';
  }
}

const never = new AbortController().signal;

/** What was started, in order. */
function lab() {
  const started: FakeSandbox[] = [];
  const clock = new FakeClock();
  const start = async () => {
    const sandbox = new FakeSandbox();
    started.push(sandbox);
    return sandbox as unknown as Sandbox;
  };
  return { started, clock, empty: new EmptyAhead(start, clock) };
}

ahead('is one for all that are expected, and whose who takes it', async () => {
  const { started, empty } = lab();
  assert.is(await empty.take(never), null, 'nobody expects one');
  empty.expect();
  empty.expect();
  assert.is(await empty.take(never), started[0]);
  assert.is(await empty.take(never), null);
  assert.is(started.length, 1);
  await empty.close();
  assert.is(started[0]!.state, 'starting', 'it is not ours any more');
});

ahead('goes some seconds after nobody expects a version any more', async () => {
  const { started, clock, empty } = lab();
  const [first, second] = [empty.expect(), empty.expect()];
  first();
  first();
  clock.advance(60_000);
  await Promise.resolve();
  assert.is(started[0]!.state, 'starting');
  second();
  clock.advance(4_999);
  assert.is(started[0]!.state, 'starting');
  clock.advance(1);
  await new Promise(setImmediate);
  assert.is(started[0]!.state, 'closed');
  assert.is(await empty.take(never), null);
});

ahead('that ended, or could not be had, is none', async () => {
  const { started, empty } = lab();
  empty.expect();
  await started[0]!.close();
  assert.is(await empty.take(never), null);
  const failing = new EmptyAhead(() => Promise.reject(new Error('no QEMU')));
  failing.expect();
  assert.is(await failing.take(never), null);
  await failing.close();
});

ahead('is ended when who waits for it leaves, and when the source closes', async () => {
  const coming = Promise.withResolvers<Sandbox>();
  const slow = new EmptyAhead(() => coming.promise);
  slow.expect();
  const left = AbortSignal.abort(new Error('left'));
  await slow.take(left).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'left'),
  );
  const late = new FakeSandbox();
  coming.resolve(late as unknown as Sandbox);
  await new Promise(setImmediate);
  assert.is(late.state, 'closed');
  const { started, empty } = lab();
  empty.expect();
  await empty.close();
  assert.is(started[0]!.state, 'closed');
  empty.expect();
  assert.is(started.length, 1, 'nothing begins after that');
});

ahead.run();
