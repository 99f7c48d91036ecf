import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fingerprintOf,
  newPublisherKey,
  parseName,
  publicPartOf,
  signDetached,
} from '../../../guest-sdk/protocol/index.ts';
import { refused } from '../../support/refusal.ts';
import { COMPONENT, packageOf, RegistryLab, tarOfPackage } from '../../support/registry-lab.ts';

const signed = suite('functions of publishers');

const KEYS = [await newPublisherKey(), await newPublisherKey()] as const;
const [MINE, THEIRS] = KEYS.map((key) => fingerprintOf(publicPartOf(key))) as [string, string];
const by = (key: JsonWebKey | undefined, ...words: string[]) =>
  packageOf({ arguments: words }, [], key && ((manifest) => signDetached(manifest, key, 'package')));

async function withLab(publishers: 'anyone' | 'pinned' | string[], work: (lab: RegistryLab) => Promise<void>) {
  const lab = await RegistryLab.open({ publishers });
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}

async function attach(lab: RegistryLab, name: string, { signatures }: Awaited<ReturnType<typeof by>>): Promise<void> {
  for (const { jws, digest, manifest } of signatures) {
    for (const each of ['{}', jws]) await lab.upload(name, new TextEncoder().encode(each));
    assert.is((await lab.put(name, digest, manifest)).status, 201);
  }
}

/** Pushes as a publisher does whose signature has to be there first. */
async function pushSigned(lab: RegistryLab, name: string, written: Awaited<ReturnType<typeof by>>): Promise<Response> {
  await attach(lab, name, written);
  return await lab.push(name, 'latest', written);
}

signed('under every policy a name stays with the key that signed first, by both ways in', async () => {
  for (const policy of ['anyone', 'pinned', [MINE, THEIRS]] as const)
    await withLab(policy as 'anyone', async (lab) => {
      const name = parseName('fn');
      await lab.publish(name, tarOfPackage(await by(KEYS[0], '1')));
      assert.is(lab.data.registry.publishers.pinned(name), MINE);
      const other = await by(KEYS[1], '2');
      const sentence = new RegExp(`${MINE}.*${THEIRS}`);
      await refused(() => lab.publish(name, tarOfPackage(other)), 'signature-invalid', sentence);
      await refused(() => lab.publish(name, COMPONENT), 'signature-invalid', /got no signature/);
      for (const each of [other, await by(undefined, '3')]) {
        const response = await pushSigned(lab, name, each);
        assert.is(response.status, 403);
        assert.match(await response.text(), MINE);
      }
      assert.is(lab.data.registry.get(name).versions.length, 1);
      assert.is((await pushSigned(lab, name, await by(KEYS[0], '4'))).status, 201);
      // The owner says that it is theirs now.
      lab.data.registry.publishers.pin(name, THEIRS);
      assert.is((await pushSigned(lab, name, other)).status, 201);
    });
});

signed('a policy that asks for signatures takes no unsigned function, and a list no other keys', async () => {
  await withLab('pinned', async (lab) => {
    await refused(() => lab.publish('fn', COMPONENT), 'signature-invalid', /--key FILE/);
    assert.is((await lab.push('fn', 'latest', await by(undefined))).status, 403);
    assert.is((await pushSigned(lab, 'fn', await by(KEYS[1]))).status, 201);
  });
  await withLab([MINE], async (lab) => {
    assert.is((await pushSigned(lab, 'fn', await by(KEYS[1]))).status, 403);
    assert.is((await pushSigned(lab, 'fn', await by(KEYS[0]))).status, 201);
  });
});

signed('what was published unsigned becomes signed when the same comes with a signature', async () => {
  await withLab('anyone', async (lab) => {
    const name = parseName('fn');
    const { digest } = await lab.publish(name, tarOfPackage(await by(undefined)));
    const again = await lab.publish(name, tarOfPackage(await by(KEYS[0])));
    assert.equal([again.digest, again.created], [digest, false]);
    assert.is(lab.data.registry.publishers.pinned(name), MINE);
    lab.data.registry.remove(name);
    assert.is(lab.data.registry.publishers.pinned(name), undefined);
    assert.equal(lab.data.registry.publishers.signatures(again.digest as never), []);
  });
});

for (const [policy, pinned] of [
  ['anyone', MINE],
  ['pinned', MINE],
  [[MINE], MINE],
  [[THEIRS], undefined],
] as const)
  signed(`a signature that is attached to what runs has the name at once, under ${policy} ${pinned}`, async () => {
    await withLab('anyone', async (lab) => {
      await lab.push('fn', 'latest', await by(undefined, '1'));
      await lab.push('fn', 'latest', await by(undefined, '2'));
      lab.publishers = policy as 'anyone';
      const name = parseName('fn');
      // Of a version before it says nothing about what runs.
      await attach(lab, name, await by(KEYS[0], '1'));
      assert.is(lab.data.registry.publishers.pinned(name), undefined);
      await attach(lab, name, await by(KEYS[0], '2'));
      assert.is(lab.data.registry.publishers.pinned(name), pinned);
      // The first has it; another's signature is kept beside.
      await attach(lab, name, await by(KEYS[1], '2'));
      assert.is(lab.data.registry.publishers.pinned(name), pinned ?? THEIRS);
    });
  });

signed('what was signed once is signed by whatever way it comes again', async () => {
  await withLab('pinned', async (lab) => {
    await lab.publish('fn', tarOfPackage(await by(KEYS[0], '1')));
    assert.is((await lab.publish('other', tarOfPackage(await by(undefined, '1')))).version, 1);
    assert.is(lab.data.registry.publishers.pinned('other'), MINE);
  });
});

signed('a version that was there before is not taken again by any way in, also when it is not kept', async () => {
  await withLab('anyone', async (lab) => {
    const name = parseName('fn');
    const [one, two] = [await by(KEYS[0], '1'), await by(KEYS[0], '2')];
    await lab.publish(name, tarOfPackage(one));
    await lab.publish(name, tarOfPackage(two));
    const current = () => lab.data.registry.get(name).current;
    await refused(() => lab.publish(name, tarOfPackage(one)), 'conflict', /was version 1.*npx cloudlet rollback fn 1/);
    const pushed = await pushSigned(lab, name, one);
    assert.is(pushed.status, 409);
    assert.match(await pushed.text(), /DENIED.*rollback fn 1/);
    // A tag is no version, and what calls go to may come as often as it likes.
    assert.is((await lab.put(name, 'old', one.manifest)).status, 201);
    assert.is((await lab.publish(name, tarOfPackage(two))).created, false);
    assert.is(current(), 2);
    // The owner goes back; what he went away from does not come by itself either.
    lab.data.registry.rollback(name);
    assert.is(current(), 1);
    await refused(() => lab.publish(name, tarOfPackage(two)), 'conflict', /was version 2.*version 1.*rollback fn 2/);
    lab.data.registry.removeVersion(name, 2);
    await refused(() => lab.publish(name, tarOfPackage(two)), 'conflict', /not kept any more.*publisher forget fn/);
    lab.data.registry.publishers.forget(name);
    assert.is((await lab.publish(name, tarOfPackage(two))).version, 3);
    assert.is(lab.data.registry.publishers.pinned(name), MINE);
  });
});

signed('what nobody signed may come again, and under a name that was removed all is new', async () => {
  await withLab('anyone', async (lab) => {
    for (const [at, words] of ['1', '2', '1'].entries())
      assert.is((await lab.publish('free', tarOfPackage(await by(undefined, words)))).version, at + 1);
    const name = parseName('fn');
    const [one, two] = [await by(KEYS[0], '1'), await by(KEYS[0], '2')];
    for (const each of [one, two]) await lab.publish(name, tarOfPackage(each));
    lab.data.registry.remove(name);
    assert.is((await lab.publish(name, tarOfPackage(one))).version, 1);
  });
});

signed('a package whose signature is of other bytes is refused whole', async () => {
  await withLab('anyone', async (lab) => {
    const forged = await packageOf({}, [], () => signDetached(new Uint8Array([1]), KEYS[0], 'package'));
    await refused(() => lab.publish('fn', tarOfPackage(forged)), 'signature-invalid', /exactly this package/);
    const entry = await packageOf({}, [], (manifest) => signDetached(manifest, KEYS[0], 'entry'));
    await refused(() => lab.publish('fn', tarOfPackage(entry)), 'signature-invalid', /cloudlet-package\+jws/);
    await lab.data.collectGarbage();
    assert.equal(await lab.data.blobs.list(), []);
  });
});

signed.run();
