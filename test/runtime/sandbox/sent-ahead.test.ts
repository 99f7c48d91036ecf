// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, readBindingValue, writeBindingValue } from '../../../guest-sdk/protocol/index.ts';
import type { Sandbox } from '../../../runtime/sandbox/index.ts';
import { finish, loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

const ahead = suite('short invocations that are sent ahead, in a process');

const LONG_MS = 60_000;

/** A sandbox in which invocations were short so far, with what calls an export and reads its number. */
async function open(workers: number) {
  const sandbox = await loadedSandbox(testProcess(workers), 'hoard');
  const call = (target: string, deadlineMs = LONG_MS) =>
    sandbox.invoke({ door: 'call', target }, writeBindingValue([]), { deadlineMs, log: () => {} });
  const value = async (target: string) => readBindingValue((await finish(call(target))).output);
  for (let times = 0; times < 40; times += 1) await value('find');
  return { sandbox, call, value };
}

async function using(workers: number, test: (opened: Awaited<ReturnType<typeof open>>) => Promise<void>) {
  const opened = await open(workers);
  try {
    await test(opened);
  } finally {
    await closed(opened.sandbox);
  }
}
const closed = (sandbox: Sandbox) => sandbox.close();
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error as CloudletError).code,
  );

ahead('go on in another worker when the one before them waits', () =>
  using(2, async ({ call, value }) => {
    const waits = call('leave-and-wait');
    const code = codeOf(waits.done);
    const found = await Promise.all(Array.from({ length: 20 }, () => value('find')));
    assert.equal(new Set(found), new Set([0]));
    waits.fail(new CloudletError('client-closed', 'left'));
    assert.is(await code, 'client-closed');
  }),
);

ahead('end at their deadlines and when their callers leave, and leave the one before them alone', () =>
  using(1, async ({ call, value }) => {
    const waits = call('leave-and-wait');
    let ended = false;
    const code = codeOf(waits.done).finally(() => {
      ended = true;
    });
    const [late, left] = [call('find', 50), call('find')];
    left.fail(new CloudletError('client-closed', 'left'));
    assert.equal(await Promise.all([codeOf(late.done), codeOf(left.done)]), ['deadline-exceeded', 'client-closed']);
    await Promise.all([late.confirmed, left.confirmed]);
    assert.not(ended);
    waits.fail(new CloudletError('client-closed', 'left'));
    await code;
    assert.is(await value('find'), 0);
  }),
);

ahead('find nothing of those before them, however these end', () =>
  using(1, async ({ call, value }) => {
    const targets = ['leave', 'leave-small', 'leave-and-trap'];
    for (let times = 0; times < 10; times += 1) {
      const hoards = targets.map((target) => codeOf(call(target).done));
      const found = await Promise.all([value('find'), value('find')]);
      assert.equal(found, [0, 0]);
      assert.equal(await Promise.all(hoards), ['ok', 'ok', 'guest-trapped']);
    }
  }),
);

ahead.run();
