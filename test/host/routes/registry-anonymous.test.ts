import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COMPONENT, RegistryLab } from '../../support/registry-lab.ts';

const anonymous = suite('the registry to strangers');

/** Where a stranger is let in when the policy lets strangers pull. */
const PULLS = [
  '/v2/one/manifests/latest',
  '/v2/one/manifests/1',
  '/v2/one/tags/list',
  '/v2/one/blobs/DIGEST',
  '/v2/one/referrers/DIGEST',
];
const OTHERS = [
  ['GET', '/v2/'],
  ['GET', '/v2/_catalog'],
  ['POST', '/v2/one/blobs/uploads/'],
  ['PUT', '/v2/one/manifests/latest'],
  ['DELETE', '/v2/one/manifests/latest'],
  ['DELETE', '/v2/one/blobs/DIGEST'],
  ['GET', '/v2/one/blobs/uploads/x'],
  ['GET', '/v1/functions'],
] as const;

for (const anonymousPull of [false, true]) {
  anonymous(
    `pulls are ${anonymousPull ? 'served' : 'refused'} as the policy says, and nothing else is served`,
    async () => {
      const lab = await RegistryLab.open({ anonymousPull });
      try {
        const { digest } = await lab.publish('one', COMPONENT);
        const at = (path: string) => path.replace('DIGEST', digest);
        for (const path of PULLS)
          assert.is((await lab.askAnonymously(at(path))).status, anonymousPull ? 200 : 401, path);
        for (const [method, path] of OTHERS)
          assert.is((await lab.askAnonymously(at(path), { method })).status, 401, path);
        const empty = { authorization: `Basic ${btoa(':')}` };
        assert.is(
          (await lab.askAnonymously('/v2/one/tags/list', { headers: empty })).status,
          anonymousPull ? 200 : 401,
        );
        const elsewhere = { origin: 'http://evil.example' };
        assert.is(
          (await lab.askAnonymously('/v2/one/tags/list', { headers: elsewhere })).status,
          anonymousPull ? 403 : 403,
        );
      } finally {
        await lab.close();
      }
    },
  );
}

anonymous('a blob that waits for its manifest is for whoever may push', async () => {
  const lab = await RegistryLab.open({ anonymousPull: true });
  try {
    await lab.publish('one', COMPONENT);
    const location = (await lab.upload('one', new Uint8Array([1, 2, 3]))).headers.get('location')!;
    assert.is((await lab.ask(location)).status, 200);
    assert.is((await lab.askAnonymously(location)).status, 404);
  } finally {
    await lab.close();
  }
});

anonymous.run();
