import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHardening, parseFailure } from '../../../../runtime/machine/confinement/hardening.ts';
import { describeHardening } from '../../../../runtime/machine/confinement/hardening-info.ts';

const hardening = suite('hardening');

hardening('has every layer here that is not told as missing, and none twice', async () => {
  const { facts, missing, controlGroups } = await findHardening('qemu-system-x86_64');
  const isRoot = process.getuid?.() === 0;
  const layers = 7 - (isRoot ? 1 : 0);
  assert.is(facts.layers.length + controlGroups.places.length + missing.length, layers + 3);
  for (const { what, reason } of missing) assert.ok(what.length > 0 && reason.length > 0);
});

hardening('is told: what is applied and what is missing, nothing twice', async () => {
  const { applied, missing } = await describeHardening();
  const all = [...applied, ...missing.map(({ what }) => what)];
  assert.is(new Set(all).size, all.length);
  for (const what of ['seccomp filter', 'empty root', 'network namespace', 'user of its own', 'limit on memory']) {
    assert.ok(all.includes(what), what);
  }
});

hardening('is found once for each program', () => {
  assert.is(findHardening('qemu-system-x86_64'), findHardening('qemu-system-x86_64'));
});

const failure = suite('what the spawner says');

for (const [line, step, detail, message] of [
  ['failed unshare net 1', 'unshare', 'net', /unshare net: EPERM/],
  ['failed file /a b/c 2', 'file', '/a b/c', /file \/a b\/c: ENOENT/],
  ['failed enter-root 22', 'enter-root', '', /enter-root: EINVAL/],
] as const) {
  failure(`names a step that failed: ${line}`, () => {
    const found = parseFailure(line)!;
    assert.equal([found.step, found.detail], [step, detail]);
    assert.match(found.error.message, message);
  });
}

for (const line of ['pid 17', 'ready 0', 'failed', '']) {
  failure(`names none in ${JSON.stringify(line)}`, () => assert.is(parseFailure(line), null));
}

hardening.run();
failure.run();
