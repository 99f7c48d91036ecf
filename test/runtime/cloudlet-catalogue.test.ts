// end to end
import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  canonicalBytes,
  fingerprintOf,
  newPublisherKey,
  parseDeploymentRequest,
  parseName,
  publicPartOf,
  signDetached,
} from '../../guest-sdk/protocol/index.ts';
import type { Cloudlet } from '../../runtime/index.ts';
import { digestOf } from '../support/catalogue-lab.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab, publishGuest } from '../support/cloudlet-lab.ts';
import { refused } from '../support/refusal.ts';

/** Puts the entry of a guest as the function `greet`, signed with a key. */
async function put({ catalogue }: Cloudlet, guest: string, version: string, key?: JsonWebKey): Promise<void> {
  const bytes = await guestBytes(guest);
  await catalogue.receive(bodyOf(bytes), bytes.length, digestOf(bytes));
  const manifest = {
    ...{
      format: 1,
      kind: 'function',
      name: 'greeter',
      version,
      title: 'Greeter',
      function: 'greet',
      package: 'g.wasm',
    },
    files: [{ name: 'g.wasm', digest: digestOf(bytes), bytes: bytes.length, mediaType: 'application/wasm' }],
  };
  const signature = key === undefined ? {} : { signature: await signDetached(canonicalBytes(manifest), key, 'entry') };
  await catalogue.put('greeter', { manifest, ...signature });
}

const catalogues = suite<{ lab: CloudletLab; component: Uint8Array }>('the store of a cloudlet');

catalogues.before(async (world) => {
  world.lab = await openLab();
  world.component = await guestBytes('typed');
  const { cloudlet } = world.lab;
  await cloudlet.catalogue.receive(bodyOf(world.component), world.component.length, digestOf(world.component));
  const entry = {
    format: 1,
    kind: 'function',
    name: 'greeter',
    version: '1',
    title: 'Greeter',
    function: 'greet',
    package: 'g.wasm',
  };
  const files = [
    { name: 'g.wasm', digest: digestOf(world.component), bytes: world.component.length, mediaType: 'application/wasm' },
  ];
  await cloudlet.catalogue.put('greeter', { manifest: { ...entry, files } });
  await cloudlet.catalogue.put('app', {
    manifest: { format: 1, kind: 'application', name: 'app', version: '1', title: 'App', server: 'greeter' },
  });
});
catalogues.after(({ lab }) => lab.close());

catalogues(
  'installing an application publishes the function that serves it, and once only',
  async ({ lab: { cloudlet } }) => {
    const installed = await cloudlet.catalogue.install('app', {});
    assert.equal(installed.server, { kind: 'function', name: 'greet', address: '/v1/functions/greet' });
    const { value } = await cloudlet.call(parseName('greet'), 'greet', ['Ada'], {
      argumentFormat: 'json',
      resultFormat: 'json',
    });
    assert.match(String(value), /Ada/);
    // What the owner published since is not taken back by installing the same revision again.
    await publishGuest(cloudlet, 'cat', 'greet');
    await cloudlet.catalogue.install('app', {});
    assert.is((await cloudlet.function(parseName('greet'))).version, 2);
  },
);

catalogues('a deployment may wish an entry, and is asked for nothing', async ({ lab: { cloudlet } }) => {
  for (const store of ['greeter', 'app']) {
    const { deployment, missing } = await cloudlet.deployments.ask(parseDeploymentRequest({ want: { store } }));
    assert.equal([deployment.kind, deployment.name, missing], ['function', 'greet', []]);
  }
  const id = '0b0e7a52-6f4f-4c8e-9a55-4f6d2f9f8b11';
  const named = await cloudlet.deployments.ask(parseDeploymentRequest({ want: { store: 'greeter' }, id, early: true }));
  assert.is(named.deployment.id, id);
  const nobody = parseDeploymentRequest({ want: { store: 'nobody' } });
  await refused(() => cloudlet.deployments.ask(nobody), 'store-unknown', /nobody/);
});

catalogues('parts that come before their question wait for each caller by himself', async ({ lab: { cloudlet } }) => {
  const leaving = new AbortController();
  let gone = 0;
  const wait = async (caller: string) => {
    await cloudlet.deployments.coming(randomUUID(), leaving.signal, caller);
    gone += 1;
  };
  const waiting = ['other', ...Array.from({ length: 10 }, () => 'one'), 'other'].map(wait);
  await new Promise(setImmediate);
  assert.is(gone, 2);
  leaving.abort();
  await Promise.all(waiting);
});

catalogues("a function that a signed entry brought is its publisher's, also after it is gone back to", async () => {
  const lab = await openLab({ policy: { functions: { publishers: 'pinned' } } });
  try {
    const { cloudlet } = lab;
    const [key, other] = [await newPublisherKey(), await newPublisherKey()];
    const mine = fingerprintOf(publicPartOf(key));
    const name = parseName('greet');
    await put(cloudlet, 'typed', '1');
    await refused(
      () => cloudlet.catalogue.install('greeter', {}),
      'signature-invalid',
      /publish --key FILE; or sign the entry "greeter"/,
    );
    for (const [guest, version] of [
      ['typed', '1'],
      ['cat', '2'],
    ] as const) {
      await put(cloudlet, guest, version, key);
      await cloudlet.catalogue.install('greeter', {});
    }
    assert.equal((await cloudlet.function(name)).publisher, { fingerprint: mine, trusted: true });
    assert.equal(
      cloudlet.publishers.list().map((each) => [each.name, each.fingerprint]),
      [['greet', mine]],
    );
    await cloudlet.rollback(name, 1);
    assert.is((await cloudlet.function(name)).publisher?.fingerprint, mine);
    // Somebody else's entry does not get the name.
    cloudlet.catalogue.remove('greeter');
    await put(cloudlet, 'late', '3', other);
    await refused(() => cloudlet.catalogue.install('greeter', {}), 'signature-invalid', new RegExp(mine));
    assert.is((await cloudlet.function(name)).version, 1);
  } finally {
    await lab.close();
  }
});

catalogues('keeps the files of its entries when garbage is collected, over a restart', async ({ lab, component }) => {
  await lab.cloudlet.remove(parseName('greet'));
  const again = await lab.reopen();
  const file = await again.catalogue.file('greeter', digestOf(component));
  assert.is(file.bytes, component.length);
  assert.is((await again.catalogue.install('greeter', {})).server?.name, 'greet');
});

catalogues.run();
