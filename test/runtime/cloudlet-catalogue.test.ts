// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDeploymentRequest, parseName } from '../../guest-sdk/protocol/index.ts';
import { digestOf } from '../support/catalogue-lab.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab, publishGuest } from '../support/cloudlet-lab.ts';
import { refused } from '../support/refusal.ts';

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
  const nobody = parseDeploymentRequest({ want: { store: 'nobody' } });
  await refused(() => cloudlet.deployments.ask(nobody), 'store-unknown', /nobody/);
});

catalogues('keeps the files of its entries when garbage is collected, over a restart', async ({ lab, component }) => {
  await lab.cloudlet.remove(parseName('greet'));
  const again = await lab.reopen();
  const file = await again.catalogue.file('greeter', digestOf(component));
  assert.is(file.bytes, component.length);
  assert.is((await again.catalogue.install('greeter', {})).server?.name, 'greet');
});

catalogues.run();
