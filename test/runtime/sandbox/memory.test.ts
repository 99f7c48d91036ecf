// end to end
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

const MIB = 1024 * 1024;
const BODY_MIB = 100;

/** Resident memory of a process, MiB. */
function rssMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

const memory = suite('the memory of a sandbox');

memory(`does not grow with a body of ${BODY_MIB} MiB that streams through`, async () => {
  const sandbox = await loadedSandbox(testProcess(1), 'cat');
  try {
    const stream = async (mib: number, look: () => void) => {
      const chunk = new Uint8Array(64 * 1024);
      async function* input() {
        for (let sent = 0; sent < mib * MIB; sent += chunk.length) yield chunk;
      }
      let bytes = 0;
      const call = sandbox.invoke({ door: 'run', arguments: [] }, input(), { deadlineMs: 120_000, log: () => {} });
      for await (const part of call.output) {
        bytes += part.length;
        look();
      }
      await call.done;
      assert.is(bytes, mib * MIB);
    };
    // Once before, so that what is measured is the body and not the warming up.
    await stream(10, () => {});
    const before = { host: rssMib(process.pid), agent: rssMib(sandbox.pid) };
    const most = { ...before };
    await stream(BODY_MIB, () => {
      most.host = Math.max(most.host, rssMib(process.pid));
      most.agent = Math.max(most.agent, rssMib(sandbox.pid));
    });
    assert.ok(most.host - before.host < 64, `the host grew by ${most.host - before.host} MiB`);
    assert.ok(most.agent - before.agent < 64, `the agent grew by ${most.agent - before.agent} MiB`);
  } finally {
    await sandbox.close();
  }
});

memory('is held by credit and not by a reader that does not read', async () => {
  const sandbox = await loadedSandbox(testProcess(1), 'cat');
  try {
    const call = sandbox.invoke({ door: 'run', arguments: ['flood'] }, new Uint8Array(0), {
      deadlineMs: 1000,
      log: () => {},
    });
    await call.began;
    const before = rssMib(sandbox.pid);
    // The guest writes without end; it stands still until its deadline ends it.
    await call.confirmed;
    assert.ok(rssMib(sandbox.pid) - before < 16, `the agent grew by ${rssMib(sandbox.pid) - before} MiB`);
  } finally {
    await sandbox.close();
  }
});

memory.run();
