import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostConfig } from '../../host/config.ts';
import { limitsOf } from '../../host/limits.ts';
import { DEFAULT_LIMITS } from '../../runtime/index.ts';

const limits = suite('limits of a host');
const around = { environment: {}, home: '/home/ada', isRoot: false };

limits('are the defaults, then what the program said, then what the operator chose', () => {
  assert.equal(limitsOf(hostConfig({}, around)), DEFAULT_LIMITS);
  const given = { bodyBytes: 7, pool: { idleMs: 5 }, services: { vms: 2, quietMs: 3 }, deployments: { silentMs: 4 } };
  assert.equal(limitsOf(hostConfig({}, around), given), { ...DEFAULT_LIMITS, ...given });
  const flags = { memory: 1, idle: 2, retain: 6, deploymentIdle: 3, deploymentTime: 4, serviceIdle: 5 };
  const { pool, deployments, services, bodyBytes, versions } = limitsOf(hostConfig(flags, around), given);
  assert.equal(
    [pool, deployments, services, bodyBytes, versions],
    [{ idleMs: 2000, memoryBytes: 2 ** 20 }, { silentMs: 3000, wholeMs: 4000 }, { vms: 2, quietMs: 5000 }, 7, 6],
  );
});

limits.run();
