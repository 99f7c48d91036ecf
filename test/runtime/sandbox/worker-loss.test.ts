// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, readBindingValue, writeBindingValue } from '../../../guest-sdk/protocol/index.ts';
import { type Sandbox, startSandbox } from '../../../runtime/sandbox/index.ts';
import { SPARE_LINES } from '../../../runtime/sandbox/process-machine.ts';
import { finish, startTestProcess, TEST_GRANT } from '../../support/sandbox-lab.ts';
import { UNREACHABLE } from '../../support/unreachable.ts';

const loss = suite('a sandbox that loses a worker');
let sandbox: Sandbox;

const call = (target: string, deadlineMs = 20_000, within = sandbox) =>
  within.invoke({ door: 'call', target }, writeBindingValue([]), { deadlineMs, log: () => {} });

async function failureOf(target: string, deadlineMs?: number, within?: Sandbox): Promise<CloudletError> {
  try {
    await finish(call(target, deadlineMs, within));
  } catch (error) {
    return error as CloudletError;
  }
  throw new Error('expected a failure');
}

loss.before(async () => {
  sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(2) });
  await sandbox.load({ program: 'p', artifact: UNREACHABLE, grant: TEST_GRANT });
});
loss.after(() => sandbox.close());

for (const [what, target, deadlineMs, code] of [
  ['loops where no fuel reaches it', 'spin', 300, 'deadline-exceeded'],
  ['uses up its heap', 'hoard', 20_000, 'guest-trapped'],
  ['ends by itself', 'quit', 20_000, 'guest-trapped'],
] as const) {
  loss(`answers others, and again, when one ${what}`, async () => {
    const failing = failureOf(target, deadlineMs);
    assert.is(readBindingValue((await finish(call('one'))).output), 1);
    assert.is((await failing).code, code);
    // More calls than there are workers: the one that was lost was replaced.
    const answers = await Promise.all([1, 2, 3, 4].map(() => finish(call('one'))));
    assert.equal(
      answers.map(({ output }) => readBindingValue(output)),
      [1, 1, 1, 1],
    );
    assert.is(sandbox.state, 'ready');
  });
}

loss('answers both when both workers loop at once', async () => {
  const failures = await Promise.all([failureOf('spin', 300), failureOf('spin', 300)]);
  assert.equal(
    failures.map(({ code }) => code),
    ['deadline-exceeded', 'deadline-exceeded'],
  );
  assert.is(readBindingValue((await finish(call('one'))).output), 1);
  assert.is(sandbox.state, 'ready');
});

loss('gives up the process, and says why, when workers are lost again and again', async () => {
  const single = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  await single.load({ program: 'p', artifact: UNREACHABLE, grant: TEST_GRANT });
  let worn = 0;
  let lost = 0;
  void single.worn.then(() => {
    worn = lost;
  });
  let last: CloudletError | null = null;
  for (; single.state === 'ready'; lost += 1) {
    assert.ok(lost <= SPARE_LINES + 1);
    last = await failureOf('quit', undefined, single);
  }
  assert.is(worn, SPARE_LINES - 1, 'before the last is used up');
  const said =
    /the machine ended with status 1; it said at last: (.|\n)*17 workers were lost, and there are no more lines/;
  assert.match((await single.ended).reason ?? '', said);
  assert.match(last!.message, /the function ended its worker|17 workers were lost/);
  await single.close();
});

loss('is ready for a snapshot when it has the successor of a worker that it lost just now', async () => {
  const single = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  await single.load({ program: 'p', artifact: UNREACHABLE, grant: TEST_GRANT });
  for (const target of ['quit', 'spin']) {
    await failureOf(target, 100, single);
    await single.prepare();
    assert.is(readBindingValue((await finish(call('one', undefined, single))).output), 1);
  }
  await single.close();
});

loss.run();
