import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, digestOfHex, parseName } from '../../../guest-sdk/protocol/index.ts';
import { DataDir, Registry } from '../../../runtime/store/index.ts';

const arriving = suite('a version that is called before all of it is here');
let directory: string;
let registry: Registry;

const photo = parseName('photo');
const digest = (digit: string): Digest => digestOfHex(digit.repeat(64));
const version = (digit: string, arrives = false) => ({
  ...{ digest: digest(digit), sizeBytes: 7, description: '{}', arrives },
  package: { text: '{}', blobs: [digest(digit), digest('e')] },
});

arriving.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'cloudlet-arriving-'));
  registry = Registry.open(join(directory, 'registry.sqlite'));
});
arriving.after.each(() => {
  registry.close();
  rmSync(directory, { recursive: true });
});

arriving('is current, and nothing can be made of it elsewhere until it is whole', () => {
  registry.publish(photo, version('a', true));
  assert.is(registry.get(photo).current, 1);
  assert.is(registry.versionBlobs.holder(digest('a')), undefined);
  assert.is(registry.versionBlobs.holder(digest('e')), undefined);
  registry.arriving.settle(photo, 1);
  assert.is(registry.versionBlobs.holder(digest('e'))?.digest, digest('a'));
  assert.is(registry.withdraw(photo, 1), 'nothing');
});

arriving('is whole when the same comes whole by another way', () => {
  registry.publish(photo, version('a', true));
  assert.equal(registry.publish(photo, version('a')), { version: 1, created: false });
  assert.not(registry.arriving.has(photo, 1));
});

arriving('that does not come leaves no function behind', () => {
  registry.publish(photo, version('a', true));
  registry.publishers.pin(photo, 'key');
  assert.is(registry.withdraw(photo, 1), 'function');
  assert.is(registry.find(photo), undefined);
  assert.is(registry.publishers.pinned(photo), undefined);
  assert.not(registry.inUse(digest('e')));
});

arriving('that does not come leaves the version before it', () => {
  registry.publish(photo, version('a'));
  registry.publish(photo, version('b'));
  registry.rollback(photo, 1);
  registry.publish(photo, version('c', true));
  registry.traffic.share(photo, {
    versions: [
      { version: 3, percent: 50 },
      { version: 1, percent: 50 },
    ],
  });
  assert.is(registry.withdraw(photo, 3), 'version');
  assert.equal([registry.get(photo).current, registry.traffic.split(photo)], [1, null]);
  assert.is(registry.publish(photo, version('c')).version, 4);
});

arriving('gives way to one that was published after it', () => {
  registry.publish(photo, version('a', true));
  registry.publish(photo, version('b', true));
  registry.publish(photo, version('c'));
  assert.is(registry.withdraw(photo, 2), 'version');
  assert.is(registry.withdraw(photo, 1), 'version');
  assert.equal(
    registry.get(photo).versions.map((each) => each.version),
    [3],
  );
});

arriving('does not fall back to another that is not whole', () => {
  registry.publish(photo, version('a', true));
  registry.publish(photo, version('b', true));
  assert.is(registry.withdraw(photo, 2), 'function');
});

arriving('is gone when the host begins anew', async () => {
  const path = join(directory, 'data');
  const before = await DataDir.open(path);
  before.registry.publish(photo, version('a'));
  before.registry.publish(photo, version('b', true));
  before.registry.publish(parseName('other'), version('c', true));
  before.close();
  const after = await DataDir.open(path);
  assert.equal(
    after.registry.list().map(({ name, current }) => [name, current]),
    [['photo', 1]],
  );
  after.close();
});

arriving.run();
