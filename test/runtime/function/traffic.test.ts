import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TrafficSplit } from '../../../guest-sdk/protocol/index.ts';
import { sharedOut } from '../../../runtime/function/traffic.ts';
import { VersionUses } from '../../../runtime/function/version-uses.ts';

const traffic = suite('calls that are shared out among versions');
const split = (...percents: number[]): TrafficSplit => ({
  versions: percents.map((percent, at) => ({ version: at + 1, percent })),
});
const sticky = (to: string, ...percents: number[]): TrafficSplit => ({ ...split(...percents), sticky: to });
const never = () => {
  throw new Error('chance decides nothing here');
};

for (const [percents, random, version] of [
  [[90, 10], 0, 1],
  [[90, 10], 0.8999, 1],
  [[90, 10], 0.9001, 2],
  [[90, 10], 0.999_999, 2],
  [[0, 100], 0, 2],
  [[100, 0], 0.999_999, 1],
  [[30, 30, 40], 0.31, 2],
  [[30, 30, 40], 0.61, 3],
] as const)
  traffic(`${percents.join('/')} at ${random}: version ${version}`, () => {
    assert.is(
      sharedOut(split(...percents), {}, () => random),
      version,
    );
  });

traffic('a caller stays where its header says, and shares hold over many callers', () => {
  const counts = [0, 0];
  for (let user = 0; user < 4000; user += 1) {
    const header = (name: string) => (name === 'x-user' ? `user ${user}` : undefined);
    const first = sharedOut(sticky('header:X-User', 75, 25), { header }, never);
    assert.is(sharedOut(sticky('header:X-User', 75, 25), { header }, never), first);
    counts[first - 1]! += 1;
    // More for version 2 takes callers from version 1, and moves nobody else.
    const later = sharedOut(sticky('header:X-User', 50, 50), { header }, never);
    if (first === 2) assert.is(later, 2);
  }
  assert.ok(Math.abs(counts[0]! - 3000) < 150, counts.join(', '));
});

for (const [cookie, decided] of [
  ['uid=ada', true],
  ['a=b; uid=ada', true],
  ['a=b;uid=ada;c=d', true],
  ['uidx=ada', false],
  ['', false],
  [undefined, false],
] as const)
  traffic(`the cookie ${JSON.stringify(cookie)} ${decided ? 'decides' : 'leaves it to chance'}`, () => {
    const header = (name: string) => (name === 'cookie' ? cookie : undefined);
    const ada = sharedOut(
      sticky('cookie:uid', 50, 50),
      { header: (name) => (name === 'cookie' ? 'uid=ada' : undefined) },
      never,
    );
    const chance = ada === 1 ? 0.99 : 0;
    assert.is(sharedOut(sticky('cookie:uid', 50, 50), { header }, () => chance) === ada, decided);
  });

traffic('a version is in use until its last invocation ended, however often that is said', () => {
  const left: string[] = [];
  const uses = new VersionUses((id) => left.push(id));
  const [one, two] = [uses.enter('a'), uses.enter('a')];
  one();
  one();
  assert.equal([uses.has('a'), left], [true, []]);
  two();
  assert.equal([uses.has('a'), left], [false, ['a']]);
});

traffic.run();
