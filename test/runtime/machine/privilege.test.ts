import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confine, QEMU_ID } from '../../../runtime/machine/privilege.ts';

const privilege = suite('a confined program');

privilege('keeps its arguments as they are, behind a separator', () => {
  const { command, args } = confine('qemu', ['-a', '--b', 'c d'], false);
  assert.is(command, 'setpriv');
  assert.equal(args.slice(-5), ['--', 'qemu', '-a', '--b', 'c d']);
});

privilege('changes its identity only when the host is root', () => {
  assert.ok(confine('qemu', [], true).args.includes(`--reuid=${QEMU_ID}`));
  assert.not.ok(confine('qemu', [], false).args.some((arg) => arg.startsWith('--reuid')));
});

privilege('can gain nothing and dies with its parent, whoever the host is', () => {
  for (const isRoot of [true, false]) {
    const { args } = confine('qemu', [], isRoot);
    assert.ok(args.includes('--no-new-privs'));
    assert.ok(args.includes('--pdeathsig=KILL'));
  }
});

privilege('really holds no capability', () => {
  const isRoot = process.getuid?.() === 0;
  const { command, args } = confine('grep', ['-E', '^(Uid|CapEff|NoNewPrivs)', '/proc/self/status'], isRoot);
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8' });
  assert.is(status, 0);
  assert.match(stdout, /NoNewPrivs:\s1/);
  assert.match(stdout, /CapEff:\s0000000000000000/);
  assert.match(stdout, new RegExp(`Uid:\\s${isRoot ? QEMU_ID : process.getuid?.()}`));
});

privilege.run();
