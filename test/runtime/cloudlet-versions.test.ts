// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, parseName, writePackage } from '../../guest-sdk/protocol/index.ts';
import type { PublishOptions } from '../../runtime/index.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab, publishGuest } from '../support/cloudlet-lab.ts';
import { versionsUnderLoad } from '../support/versions-behaviour.ts';
import { wat } from '../support/wat.ts';

const versions = suite('versions of functions');
let lab: CloudletLab;
let chance: number | null = 0;
let ticks = 0;
/** What a test says; else numbers that come to every share. */
const random = (): number => {
  ticks += 1;
  return chance ?? (ticks * 0.37) % 1;
};
versions.before(async () => {
  lab = await openLab({ random, limits: { machines: 4 } });
});
versions.after(() => lab.close());

const FORMATS = { argumentFormat: 'json', resultFormat: 'json' } as const;
const NAME = parseName('shared');
const answering = async (choice = {}): Promise<number> =>
  (await lab.cloudlet.call(NAME, 'add', [1, 2], { ...FORMATS, choice })).version;

async function refusal(work: () => unknown): Promise<CloudletError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CloudletError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

versions('are listed, compared, asked one by one, shared out, and kept over a restart', async () => {
  for (const version of [1, 2, 3])
    await publishGuest(lab.cloudlet, 'typed', NAME, { environment: { VERSION: String(version) } });
  const { versions: desk } = lab.cloudlet;
  assert.equal(
    desk.list(NAME).versions.map(({ version, current, percent }) => [version, current, percent]),
    [
      [3, true, 100],
      [2, false, 0],
      [1, false, 0],
    ],
  );
  const diff = await desk.diff(NAME);
  assert.equal([diff.from, diff.to, diff.breaks, diff.exports.changed], [2, 3, [], []]);
  assert.equal(diff.grant.changed.length + diff.grant.added.length, 1);
  assert.equal([await answering(), await answering({ version: 1 })], [3, 1]);

  desk.share(NAME, {
    versions: [
      { version: 1, percent: 25 },
      { version: 3, percent: 75 },
    ],
  });
  for (const [random, version] of [
    [0, 1],
    [0.24, 1],
    [0.25, 3],
    [0.99, 3],
  ] as const) {
    chance = random;
    assert.is(await answering(), version, String(random));
  }
  assert.is(await answering({ version: 2 }), 2, 'whatever the shares');
  const info = await lab.cloudlet.function(NAME);
  assert.equal(info.split?.versions[0], { version: 1, percent: 25 });

  const reopened = await lab.reopen();
  assert.equal(reopened.versions.list(NAME).split?.versions.length, 2);
  reopened.versions.share(NAME, null);
  assert.is(await answering(), 3);
});

versions('what calls go to is not removed, and the remedy is said', async () => {
  const { versions: desk } = lab.cloudlet;
  desk.share(NAME, {
    versions: [
      { version: 1, percent: 50 },
      { version: 2, percent: 50 },
    ],
  });
  for (const [version, code, sentence] of [
    [1, 'conflict', /1 has a share of them; share them out without it first: npx cloudlet split shared --off/],
    [3, 'conflict', /3 is the current one; go to another first: npx cloudlet rollback shared VERSION/],
    [9, 'version-unknown', /expected a version of "shared" \(1, 2, 3\), got 9/],
  ] as const) {
    const error = await refusal(() => desk.remove(NAME, version));
    assert.is(error.code, code);
    assert.match(error.message, sentence);
  }
  assert.is(
    (await refusal(() => desk.share(NAME, { versions: [{ version: 9, percent: 100 }] }))).code,
    'version-unknown',
  );
  desk.share(NAME, null);
  await desk.remove(NAME, 1);
  assert.equal(
    desk.list(NAME).versions.map(({ version }) => version),
    [3, 2],
  );
  assert.is((await refusal(() => answering({ version: 1 }))).code, 'version-unknown');
  desk.retain(NAME, 1);
  assert.equal(
    desk.list(NAME).versions.map(({ version }) => version),
    [3],
  );
});

versions(
  'what cannot be loaded changes nothing when calls wait for that: neither shares, nor versions, nor tags',
  async () => {
    const { versions: desk } = lab.cloudlet;
    const name = parseName('tried');
    const publish = (body: Uint8Array, options: PublishOptions) =>
      lab.cloudlet.publish(name, bodyOf(body), { whenLoaded: true, ...options });
    const typed = (version: string) =>
      writePackage({ component: guest, grant: { environment: { V: version } }, files: [] });
    const guest = await guestBytes('typed');
    const broken = await wat(`(component
    (core module $m (func $boom unreachable) (start $boom) (func (export "run")))
    (core instance $i (instantiate $m))
    (func (export "run") (canon lift (core func $i "run"))))`);

    const first = await refusal(() => publish(broken, {}));
    assert.equal(
      [first.code, /version 1 cannot be loaded: .*unreachable/.test(first.message)],
      ['component-refused', true],
    );
    assert.is(
      (await refusal(() => lab.cloudlet.function(name))).code,
      'function-unknown',
      'no version was there before',
    );

    for (const version of ['1', '2']) {
      const { pieces } = await typed(version);
      await publish(Buffer.concat(pieces), version === '1' ? { tag: 'good' } : {});
    }
    desk.retain(name, 1);
    desk.retain(name, 2);
    await lab.cloudlet.publish(name, bodyOf(guest));
    desk.share(name, { versions: [{ version: 3, percent: 100 }], sticky: 'header:x-user' });
    const seen = () => {
      const { versions, split, retain } = desk.list(name);
      return { versions: versions.map(({ version, current, percent }) => [version, current, percent]), split, retain };
    };
    const before = seen();
    const failed = await refusal(() => publish(broken, { tag: 'good' }));
    assert.is(failed.code, 'component-refused');
    assert.equal(seen(), before);

    const leaving = AbortSignal.abort();
    assert.is((await refusal(() => publish(broken, { signal: leaving }))).code, 'client-closed');
    assert.equal(seen(), before);
  },
);

versions('no call fails while versions come, share, go back and go', () => {
  chance = null;
  return versionsUnderLoad(lab.cloudlet, 4, 20);
});

versions.run();
