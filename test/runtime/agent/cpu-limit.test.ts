import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuLimit } from '../../../runtime/agent/cpu-limit.ts';

const limits = suite('a limit of processor time');

limits('asks the system only when it may be used up, and then as seldom as can be', () => {
  let [used, asked] = [100, 0];
  const limit = new CpuLimit(50, 1000, () => {
    asked += 1;
    return used;
  });
  assert.is(limit.isUsedUp(1049), false);
  assert.is(asked, 1, 'at the begin');
  used = 130;
  assert.is(limit.isUsedUp(1050), false);
  // 20 ms are left, and cannot be used in less.
  assert.is(limit.isUsedUp(1069), false);
  assert.is(asked, 2);
  used = 150;
  assert.is(limit.isUsedUp(1070), false, 'all of it may be used');
  used = 151;
  assert.is(limit.isUsedUp(1070.5), false);
  assert.is(limit.isUsedUp(1071), true);
  assert.is(asked, 4);
});

limits('counts the time of this thread', () => {
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const before = cpuMs();
  const limit = new CpuLimit(5, performance.now());
  while (!limit.isUsedUp(performance.now()));
  assert.ok(cpuMs() - before >= 5);
});

limits.run();
