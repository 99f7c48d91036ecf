import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { QemuMachine } from '../../runtime/machine/index.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { testClone } from '../support/golden-lab.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { finish, loadedSandbox } from '../support/sandbox-lab.ts';

/** For how long a paused machine is looked at. */
const LOOK_MS = 1_000;

/** How far its clock may be off: less than it was paused. */
const LATE_MS = 250;

const pause = suite<{ sandbox: Sandbox }>('a paused machine');

pause.before(async (context) => {
  context.sandbox = await loadedSandbox(await testClone(), 'clock');
});
pause.after(({ sandbox }) => sandbox.close());

pause('takes no processor time, and answers with the present time when it was resumed', async ({ sandbox }) => {
  await sandbox.pause();
  const before = await processorTicks(sandbox.pid);
  // Nothing that happens could tell that nothing happens: this is the time over which it is measured.
  await wait(LOOK_MS);
  const used = (await processorTicks(sandbox.pid)) - before;
  const toldFrom = Date.now();
  await sandbox.resume();
  // What it is told late, on a busy computer, it is late by.
  const lateMs = LATE_MS + Date.now() - toldFrom;
  // QEMU's own thread may still have been at the end of its answer, and ticks are counted whole.
  assert.ok(used <= 1, `${used} ticks`);
  const earliest = Date.now();
  const call = sandbox.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), {
    deadlineMs: 120_000,
    log: () => {},
  });
  const said = Number((await finish(call)).text);
  assert.ok(said >= earliest - lateMs && said <= Date.now() + LATE_MS, `${said - earliest} ms from the present`);
});

pause('never shows its guest a clock that goes back, however often it is paused', async () => {
  let machine: QemuMachine | undefined;
  const start = async () => {
    machine = await bootTestMachine();
    return machine;
  };
  const sandbox = await loadedSandbox({ kind: 'microvm', startMachine: start }, 'hostile');
  try {
    let running = true;
    const input = writeBindingValue([200_000_000n]);
    const call = sandbox.invoke({ door: 'call', target: 'watch-clock' }, input, { deadlineMs: 60_000, log: () => {} });
    void call.confirmed.then(() => {
      running = false;
    });
    let pauses = 0;
    for (; running; pauses += 1) {
      await machine!.pause();
      await machine!.resume();
      await sandbox.ping();
    }
    assert.ok(pauses > 3, `${pauses} pauses`);
    assert.is(readBindingValue((await finish(call)).output), 0);
  } finally {
    await sandbox.close();
  }
});

pause('costs memory of its own, less than it sees', async ({ sandbox }) => {
  const mib = (await sandbox.privateBytes()) / 1024 / 1024;
  assert.ok(mib > 5 && mib < 512, `${mib} MiB`);
});

pause('can be ended', async ({ sandbox }) => {
  await sandbox.pause();
  await sandbox.close();
  assert.is(sandbox.state, 'closed');
});

/** Time on a processor, user and system, in ticks of 10 ms. */
async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

pause.run();
