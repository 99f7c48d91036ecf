// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBindingValue } from '../../../../guest-sdk/protocol/index.ts';
import { type LoadedVersion, SandboxPool } from '../../../../runtime/sandbox/index.ts';
import { processSandboxes } from '../../../../runtime/sandbox-source/process-sandboxes.ts';
import { TEST_CACHE } from '../../../support/microvm-lab.ts';
import { artifactOf, TEST_GRANT } from '../../../support/sandbox-lab.ts';

const pool = suite('a pool of processes');

const versionOf = (name: string): LoadedVersion => ({
  id: name,
  program: name,
  grant: TEST_GRANT,
  artifact: () => artifactOf(name),
});

pool('answers again after the process was killed, and what it was running as well', async () => {
  const closed: (string | null)[] = [];
  const sandboxes = new SandboxPool({
    machines: 2,
    source: processSandboxes(2, TEST_CACHE),
    observer: { sandboxClosed: ({ reason }) => closed.push(reason) },
  });
  try {
    const cat = versionOf('cat');
    await sandboxes.prewarm(cat);
    const more = Promise.withResolvers<void>();
    async function* input() {
      yield Buffer.from('before, ');
      await more.promise;
      yield Buffer.from('after');
    }
    const options = { deadlineMs: 30_000, idempotent: true };
    const running = sandboxes.invoke(cat, { door: 'run', arguments: ['count'] }, input(), options);
    const first = sandboxes.sandboxes()[0]!.sandbox;
    await first.ping();
    assert.is(first.running, 1);
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    more.resolve();
    const invocation = await running;
    let text = '';
    for await (const bytes of invocation.output) text += Buffer.from(bytes).toString();
    assert.is(text, '13\n');
    assert.is((await invocation.done).exitCode, 0);
    assert.is(invocation.timing.start, 'boot');
    assert.is(closed.length, 1);
    assert.ok(closed[0]);
    // Two versions are two processes: what one does is not in the other.
    const typed = await sandboxes.invoke(
      versionOf('typed'),
      { door: 'call', target: 'add' },
      writeBindingValue([1, 2]),
      options,
    );
    for await (const bytes of typed.output) assert.equal([...bytes], [3]);
    assert.is(sandboxes.sandboxes().length, 2);
  } finally {
    await sandboxes.close();
  }
  assert.equal(sandboxes.sandboxes(), []);
});

pool.run();
