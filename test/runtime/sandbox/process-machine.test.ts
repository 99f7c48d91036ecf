import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { groupName } from '../../../runtime/machine/confinement/leftover-groups.ts';
import { describeClaims, type Machine } from '../../../runtime/machine/index.ts';
import { startSandbox } from '../../../runtime/sandbox/index.ts';
import { processBounds, startProcessMachine } from '../../../runtime/sandbox/process-machine.ts';
import { testAgentFile } from '../../support/sandbox-lab.ts';

const MIB = 2 ** 20;

const machine = suite('a process as a machine');

machine('may have what its workers need, and no more', () => {
  const one = processBounds({ workers: 1, memoryMib: 64 });
  const four = processBounds({ workers: 4, memoryMib: 64 });
  assert.is(one.privateBytes, (384 + 256 + 128) * MIB);
  assert.is(four.privateBytes - one.privateBytes, 3 * (256 + 128) * MIB);
  assert.ok(one.dataKib * 1024 > one.privateBytes);
});

machine('is bounded by the kernel, writes no core file, and is what was started', async () => {
  const options = { agentFile: await testAgentFile(), workers: 1, memoryMib: 8 };
  // Its agent has said that it is ready: before, the shell may still be at it.
  const sandbox = await startSandbox({ kind: 'process', startMachine: () => startProcessMachine(options) });
  try {
    const limits = readFileSync(`/proc/${sandbox.pid}/limits`, 'utf8');
    const { privateBytes, dataKib } = processBounds(options);
    assert.match(limits, new RegExp(`^Max data size +${dataKib * 1024} +${dataKib * 1024} `, 'm'));
    assert.match(limits, /^Max core file size +0 +0 /m);
    assert.ok((await sandbox.privateBytes()) < privateBytes);
    assert.is(sandbox.state, 'starting');
  } finally {
    await sandbox.close();
  }
});

machine(
  'claims processors for whose sandbox it is, and takes short turns of them, where this computer lets it',
  async () => {
    const options = { agentFile: await testAgentFile(), workers: 1, memoryMib: 8 };
    let started: Machine | undefined;
    const startMachine = async () => {
      started = await startProcessMachine(options);
      return started;
    };
    const sandbox = await startSandbox({ kind: 'process', startMachine });
    try {
      await started!.claimFor('function-photo');
      const groups = readFileSync(`/proc/${sandbox.pid}/cgroup`, 'utf8');
      const { applied, missing } = describeClaims();
      assert.is(applied.length + missing.length, 1);
      if (applied.length === 1) assert.match(groups, `/${groupName('function-photo')}/`);
      else assert.not.match(groups, groupName('function-photo'));
    } finally {
      await sandbox.close();
    }
  },
);

machine.run();
