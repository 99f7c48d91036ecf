import * as assert from 'uvu/assert';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { p3Clones } from '../support/p3-clones.ts';
import { finish, TEST_GRANT } from '../support/sandbox-lab.ts';

/** What a command writes, and its status. */
async function runIn(sandbox: Sandbox, args: readonly string[], input = '') {
  const options = { deadlineMs: TEST_GRANT.limits.deadlineMs, log: () => {} };
  const { text, end } = await finish(
    sandbox.invoke({ door: 'run', arguments: [...args] }, Buffer.from(input), options),
  );
  return { text, status: end.exitCode };
}

p3Clones('a command', 'run-p3', async (sandbox) => {
  assert.equal(await runIn(sandbox, ['runs']), { text: '1', status: 0 });
  assert.equal(await runIn(sandbox, ['cat'], 'hello'), { text: 'hello', status: 0 });
  assert.equal(await runIn(sandbox, ['exit', '7']), { text: '', status: 7 });
}).run();
