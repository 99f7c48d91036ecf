import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Call } from '../../../runtime/sandbox/channel/call.ts';
import { Deadlines } from '../../../runtime/sandbox/deadlines.ts';
import { CALLER_GRACE_MS, CONFIRM_MS } from '../../../runtime/sandbox/sandbox-times.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const deadlines = suite('the deadlines of a sandbox');

const OVERDUE = `an invocation could not be ended within ${CONFIRM_MS} ms`;

/** A clock that counts what it is asked for. */
class CountingClock extends FakeClock {
  timers = 0;
  /** By how much the first comes too early. */
  earlyMs = 0;

  override after(ms: number, callback: () => void): () => void {
    this.timers += 1;
    const earlyMs = this.earlyMs;
    this.earlyMs = 0;
    return super.after(ms - earlyMs, callback);
  }
}

function opened(clock = new CountingClock()) {
  const machineTime = new CountingClock();
  const told: string[] = [];
  const watched = new Deadlines(clock, machineTime, (reason) => told.push(reason));
  const call = (name: string, deadlineMs: number): Call => {
    const made = { deadlineMs, whenGivenUp: null, expire: () => told.push(`${name} is to end`) } as unknown as Call;
    made.fail = (error) => {
      told.push(`${name}: ${error.code}`);
      made.whenGivenUp?.(made);
    };
    watched.begin(made);
    return made;
  };
  return { clock, machineTime, told, watched, call };
}

deadlines('ask the agent for an end, and tell the caller a little later', () => {
  const { clock, told, call } = opened();
  call('one', 1000);
  clock.advance(999);
  assert.equal(told, []);
  clock.advance(1);
  assert.equal(told, ['one is to end']);
  clock.advance(CALLER_GRACE_MS - 1);
  assert.is(told.length, 1);
  clock.advance(1);
  assert.equal(told, ['one is to end', 'one: deadline-exceeded']);
});

deadlines('come in their order, whenever each began', () => {
  const { clock, told, call } = opened();
  call('long', 5000);
  clock.advance(100);
  call('short', 200);
  call('middle', 1000);
  clock.advance(200);
  assert.equal(told, ['short is to end']);
  clock.advance(800);
  assert.equal(told.slice(-1), ['middle is to end']);
  clock.advance(3900);
  assert.equal(told.slice(-1), ['long is to end']);
});

deadlines('are none for what has ended', () => {
  const { clock, told, watched, call } = opened();
  const [one, two] = [call('one', 1000), call('two', 1000)];
  watched.end(one);
  clock.advance(1000);
  assert.equal(told, ['two is to end']);
  watched.end(two);
  clock.advance(10_000);
  assert.is(told.length, 1);
});

deadlines('take one timer for many that end in time', () => {
  const { clock, machineTime, watched, call } = opened();
  for (let at = 0; at < 1000; at += 1) {
    watched.end(call('one', 30_000));
    clock.advance(1);
  }
  assert.is(clock.timers, 1);
  assert.is(machineTime.timers, 0);
  clock.advance(60_000);
  assert.is(clock.timers, 1);
});

deadlines('give an agent a time to confirm an early end, by the time of its machine', () => {
  const { clock, machineTime, told, watched, call } = opened();
  const [one, two] = [call('one', 1000), call('two', 1000)];
  clock.advance(1000 + CALLER_GRACE_MS);
  watched.end(two);
  machineTime.advance(CONFIRM_MS);
  assert.equal(told.slice(-1), [OVERDUE]);
  assert.is(told.filter((each) => each === OVERDUE).length, 1);
  watched.end(one);
});

deadlines('do so, too, when a caller leaves, until the agent has confirmed that', () => {
  const { machineTime, told, watched, call } = opened();
  const [one, two] = [call('one', 1000), call('two', 1000)];
  one.fail(new CloudletError('client-closed', 'left'));
  two.fail(new CloudletError('client-closed', 'left'));
  machineTime.advance(CONFIRM_MS - 1);
  watched.end(one);
  watched.end(two);
  machineTime.advance(CONFIRM_MS);
  assert.not(told.includes(OVERDUE));
});

deadlines('do so, too, for one that had failed before it was watched', () => {
  const { machineTime, told, watched } = opened();
  watched.begin({ deadlineMs: 1000, isGivenUp: true } as unknown as Call);
  machineTime.advance(CONFIRM_MS);
  assert.equal(told, [OVERDUE]);
});

deadlines('wait on where a timer fires early', () => {
  const early = new CountingClock();
  early.earlyMs = 0.4;
  const { clock, told, call } = opened(early);
  call('one', 1000);
  clock.advance(999.9);
  assert.equal(told, []);
  clock.advance(0.1);
  assert.equal(told, ['one is to end']);
});

deadlines('that never come take no timer', () => {
  const { clock, watched, call } = opened();
  watched.end(call('one', Number.POSITIVE_INFINITY));
  assert.is(clock.timers, 0);
});

deadlines('leave no timer when nothing runs any more', () => {
  const { clock, told, watched, call } = opened();
  call('one', 1000);
  watched.close();
  clock.advance(10_000);
  assert.equal(told, []);
});

deadlines.run();
