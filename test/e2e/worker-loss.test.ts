import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import { startSandbox } from '../../runtime/sandbox/index.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { finish, TEST_GRANT } from '../support/sandbox-lab.ts';
import { UNREACHABLE } from '../support/unreachable.ts';

const LOSSES = 6;

const loss = suite('a microVM that loses a worker');

loss('goes on over the same ports, again and again, and answers the neighbours meanwhile', async () => {
  const sandbox = await startSandbox({ kind: 'microvm', startMachine: bootTestMachine });
  await sandbox.load({ program: 'p', artifact: UNREACHABLE, grant: TEST_GRANT });
  const call = (target: string, deadlineMs: number) =>
    finish(sandbox.invoke({ door: 'call', target }, writeBindingValue([]), { deadlineMs, log: () => {} }));
  const one = async () => assert.is(readBindingValue((await call('one', 60_000)).output), 1);
  let over = false;
  let answers = 0;
  const neighbour = async () => {
    for (; !over; answers += 1) await one();
  };
  const neighbours = [neighbour(), neighbour()];
  try {
    for (let lost = 0; lost < LOSSES; lost += 1) {
      const target = lost % 2 === 0 ? 'spin' : 'quit';
      const code = await call(target, 5_000).then(
        () => 'answered',
        (error: CloudletError) => error.code,
      );
      assert.is(code, target === 'spin' ? 'deadline-exceeded' : 'guest-trapped');
      // More than there are workers: the successors serve, too.
      await Promise.all([one(), one(), one()]);
    }
    assert.is(sandbox.state, 'ready');
  } finally {
    over = true;
    await Promise.allSettled(neighbours);
    await sandbox.close();
  }
  await Promise.all(neighbours);
  assert.ok(answers > LOSSES, String(answers));
});

loss.run();
