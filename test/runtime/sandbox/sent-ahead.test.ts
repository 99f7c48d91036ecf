// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, readBindingValue, writeBindingValue } from '../../../guest-sdk/protocol/index.ts';
import type { Call } from '../../../runtime/sandbox/channel/call.ts';
import type { Sandbox } from '../../../runtime/sandbox/index.ts';
import { finish, loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

const ahead = suite('short invocations that are sent ahead, in a process');

const LONG_MS = 60_000;
const MOST_TRIES = 200;

/** A sandbox with what calls an export and reads its number. */
async function open(workers: number) {
  const sandbox = await loadedSandbox(testProcess(workers), 'hoard');
  const call = (target: string, deadlineMs = LONG_MS) =>
    sandbox.invoke({ door: 'call', target }, writeBindingValue([]), { deadlineMs, log: () => {} });
  const value = async (target: string) => readBindingValue((await finish(call(target))).output);

  /**
   * Calls `first`, and `others` behind it at once, until one of these was sent ahead: it has an id, though every worker has an invocation. None is while
   * invocations are long, as all are on a computer that is busy.
   */
  async function callAhead(first: string, others: readonly (readonly [target: string, deadlineMs?: number])[]) {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const [before, ...behind] = [call(first), ...others.map(([target, deadlineMs]) => call(target, deadlineMs))];
      const sent = [before!, ...behind].filter(({ id }) => id !== 0);
      if (sent.length > workers) return { before: before!, behind };
      for (const each of [before!, ...behind]) each.fail(left());
      await Promise.all([before!, ...behind].map(({ confirmed }) => confirmed));
      for (let times = 0; times < 40; times += 1) await value('find');
    }
    throw new Error(`nothing was sent ahead in ${MOST_TRIES} tries`);
  }
  return { sandbox, callAhead, value };
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
const left = () => new CloudletError('client-closed', 'left');
const numberOf = async (call: Call) => readBindingValue((await finish(call)).output);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error as CloudletError).code,
  );

ahead('go on in another worker when the one before them waits', () =>
  using(2, async ({ callAhead }) => {
    const { before: waits, behind } = await callAhead(
      'leave-and-wait',
      Array.from({ length: 20 }, () => ['find'] as const),
    );
    const code = codeOf(waits.done);
    const found = await Promise.all(behind.map(numberOf));
    assert.equal(new Set(found), new Set([0]));
    waits.fail(left());
    assert.is(await code, 'client-closed');
  }),
);

ahead('end at their deadlines and when their callers leave, and leave the one before them alone', () =>
  using(1, async ({ callAhead, value }) => {
    const { before: waits, behind } = await callAhead('leave-and-wait', [['find', 50], ['find']]);
    let ended = false;
    const code = codeOf(waits.done).finally(() => {
      ended = true;
    });
    const [late, gone] = [behind[0]!, behind[1]!];
    gone.fail(left());
    assert.equal(await Promise.all([codeOf(late.done), codeOf(gone.done)]), ['deadline-exceeded', 'client-closed']);
    await Promise.all([late.confirmed, gone.confirmed]);
    assert.not(ended);
    waits.fail(left());
    await code;
    assert.is(await value('find'), 0);
  }),
);

ahead('find nothing of those before them, however these end', () =>
  using(1, async ({ callAhead }) => {
    for (let times = 0; times < 10; times += 1) {
      const { before, behind } = await callAhead('leave', [['leave-small'], ['leave-and-trap'], ['find'], ['find']]);
      const hoards = [before, behind[0]!, behind[1]!].map(({ done }) => codeOf(done));
      assert.equal(await Promise.all([behind[2]!, behind[3]!].map(numberOf)), [0, 0]);
      assert.equal(await Promise.all(hoards), ['ok', 'ok', 'guest-trapped']);
    }
  }),
);

ahead.run();
