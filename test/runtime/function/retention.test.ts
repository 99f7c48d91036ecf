import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex, parseName } from '../../../guest-sdk/protocol/index.ts';
import { Retention, surplusVersions } from '../../../runtime/function/retention.ts';
import type { RegisteredVersion } from '../../../runtime/store/index.ts';

const retention = suite('versions beyond those that are kept');

const versions = (most: number): RegisteredVersion[] =>
  Array.from({ length: most }, (_, at) => ({
    ...{ version: at + 1, digest: digestOfHex('0'.repeat(64)), sizeBytes: 1 },
    ...{ publishedAt: '2026-11-26T00:00:00Z', description: '{}', package: null },
  }));

for (const [what, count, current, kept, shared, surplus] of [
  ['the oldest go', 5, 5, 3, [], [1, 2]],
  ['none while there are not more', 3, 3, 3, [], []],
  ['the current one stays and counts', 5, 1, 3, [], [2, 3]],
  ['one with a share of the calls stays and counts', 5, 5, 3, [1, 5], [2, 3]],
  ['more with shares than are kept', 5, 5, 1, [1, 2, 5], [3, 4]],
  ['only the current one', 5, 3, 1, [], [1, 2, 4, 5]],
] as const)
  retention(what, () => {
    const found = surplusVersions({ current, versions: versions(count) }, kept, new Set(shared));
    assert.equal(
      found.map(({ version }) => version),
      surplus,
    );
  });

retention('a version that nothing runs in any more is not looked up when there are not more than are kept', () => {
  let [versions, asked] = [2, 0];
  const desk = new Retention({
    registry: {
      find: () => {
        asked += 1;
      },
      traffic: { counts: () => ({ versions, retain: null }) },
    } as unknown as ConstructorParameters<typeof Retention>[0]['registry'],
    versions: 2,
    onTrial: () => new Set(),
    drop: () => {},
    collectGarbage: async () => [],
    forget: async () => {},
    tracked: () => {},
    failed: (error) => assert.unreachable(String(error)),
  });
  desk.uses.enter('fn/1/2026-11-26T00:00:00Z/digest')();
  assert.is(asked, 0);
  versions = 3;
  desk.uses.enter('fn/1/2026-11-26T00:00:00Z/digest')();
  assert.is(asked, 1);
});

retention('what is loaded before calls go to it is not removed', async () => {
  const removed: number[] = [];
  const onTrial = new Set([1]);
  const found = { name: parseName('fn'), current: 2, versions: versions(2) };
  const desk = new Retention({
    registry: {
      find: () => found,
      traffic: { split: () => null },
      arriving: { has: () => false },
      removeVersion: (_: string, version: number) => removed.push(version),
    } as unknown as ConstructorParameters<typeof Retention>[0]['registry'],
    versions: 5,
    onTrial: () => onTrial,
    drop: () => {},
    collectGarbage: async () => [],
    forget: async () => {},
    tracked: () => {},
    failed: (error) => assert.unreachable(String(error)),
  });
  assert.is(await desk.remove(found.name, 1), false);
  onTrial.clear();
  assert.is(await desk.remove(found.name, 1), true);
  assert.equal(removed, [1]);
});

retention.run();
