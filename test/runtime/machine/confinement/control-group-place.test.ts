import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findPlace } from '../../../../runtime/machine/confinement/control-group-place.ts';

const V1 =
  '36 24 0:31 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n37 24 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpu,cpuacct\n';
const V2 = '30 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

const place = suite('the place of control groups');

for (const [what, controller, groups, mounts, expected] of [
  [
    'of version 1 is below our own',
    'memory',
    '4:memory:/a/b\n0::/\n',
    V1,
    { version: 1, directory: '/sys/fs/cgroup/memory/a/b', above: [] },
  ],
  [
    'of version 1 may be shared by controllers',
    'cpu',
    '2:cpu,cpuacct:/\n',
    V1,
    { version: 1, directory: '/sys/fs/cgroup/cpu,cpuacct', above: [] },
  ],
  [
    'of version 2 is beside our own',
    'pids',
    '0::/system.slice/cloudlet.service\n',
    V2,
    { version: 2, directory: '/sys/fs/cgroup/system.slice', above: ['/sys/fs/cgroup', '/sys/fs/cgroup/system.slice'] },
  ],
  [
    'of version 2 is the root where we are in it',
    'memory',
    '0::/\n',
    V2,
    { version: 2, directory: '/sys/fs/cgroup', above: ['/sys/fs/cgroup'] },
  ],
  [
    'in a container is what the container sees of it',
    'memory',
    '4:memory:/docker/abc\n',
    V1.replace('0:31 / /sys', '0:31 /docker/abc /sys'),
    { version: 1, directory: '/sys/fs/cgroup/memory', above: [] },
  ],
  [
    'may have blanks in its path',
    'memory',
    '0::/x\n',
    '30 23 0:27 / /my\\040groups rw - cgroup2 none rw\n',
    { version: 2, directory: '/my groups', above: ['/my groups'] },
  ],
] as const) {
  place(what, () => assert.equal(findPlace(controller, { groups, mounts }), { controller, ...expected }));
}

for (const [what, groups, mounts, reason] of [
  ['is mounted', '4:memory:/\n', '', /no control group file system for memory/],
  ['has this process', '', V2, /in no control group for memory/],
] as const) {
  place(`is not there when none ${what}, and that is told`, () => {
    const found = findPlace('memory', { groups, mounts });
    assert.match('reason' in found ? found.reason : 'found', reason);
  });
}

place.run();
