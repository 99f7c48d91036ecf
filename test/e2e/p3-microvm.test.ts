/**
 * Components of WASI 0.3 in real machines: one that booted or was cloned from the golden snapshot, and clones of their own snapshots.
 */
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { CloneLab, callIn, getIn, guestArtifact, versionWith } from '../support/clone-lab.ts';
import { finish, TEST_GRANT } from '../support/sandbox-lab.ts';

/** Names versions of one run apart from those of another, whose snapshots may be left. */
const run = randomBytes(4).toString('hex');
const version = (guest: string) => versionWith(`${guest}-${run}`, guestArtifact(guest));
const VERSIONS = { http: version('http-p3'), typed: version('typed-p3'), command: version('run-p3') };

interface Context {
  lab: CloneLab;
}
const machines = suite<Context>('components of WASI 0.3 in machines');

machines.before(async (context) => {
  context.lab = await CloneLab.open();
});
machines.after(async ({ lab }) => {
  for (const { id } of Object.values(VERSIONS)) await lab.source.forget(id);
  await lab.close();
});

/** What a command writes, and its status. */
async function runIn(sandbox: Sandbox, args: readonly string[], input = '') {
  const options = { deadlineMs: TEST_GRANT.limits.deadlineMs, log: () => {} };
  const { text, end } = await finish(
    sandbox.invoke({ door: 'run', arguments: [...args] }, Buffer.from(input), options),
  );
  return { text, status: end.exitCode };
}

/** What each door has to do; nothing that was served before may be seen in what it serves first. */
const DOORS = {
  async http(sandbox: Sandbox) {
    assert.equal([await getIn(sandbox, '/count'), await getIn(sandbox, '/hello')], ['1', 'hello\n']);
    const several = await Promise.all(Array.from({ length: 8 }, () => getIn(sandbox, '/hello')));
    assert.equal(several, Array(8).fill('hello\n'));
  },
  async typed(sandbox: Sandbox) {
    assert.is(await callIn(sandbox, 'count'), 1);
    assert.is(await callIn(sandbox, 'greet', 'you'), 'hello, you!');
    assert.equal(await callIn(sandbox, 'fail', 'why'), { tag: 'err', val: 'why' });
  },
  async command(sandbox: Sandbox) {
    assert.equal(await runIn(sandbox, ['runs']), { text: '1', status: 0 });
    assert.equal(await runIn(sandbox, ['cat'], 'hello'), { text: 'hello', status: 0 });
    assert.equal(await runIn(sandbox, ['exit', '7']), { text: '', status: 7 });
  },
} as const;

for (const door of ['http', 'typed', 'command'] as const) {
  machines(`${door}: a machine serves it, and so do two clones of its snapshot`, async ({ lab }) => {
    const given = VERSIONS[door];
    await lab.with(given, async ({ sandbox, via }) => {
      assert.is(via, 'golden-clone');
      await DOORS[door](sandbox);
    });
    await lab.source.prepare(given, lab.signal);
    for (let clone = 0; clone < 2; clone += 1) {
      await lab.with(given, async ({ sandbox, via }) => {
        assert.is(via, 'function-clone');
        await DOORS[door](sandbox);
      });
    }
    assert.equal(lab.warnings, []);
  });
}

machines.run();
