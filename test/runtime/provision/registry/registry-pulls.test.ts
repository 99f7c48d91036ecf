import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  fingerprintOf,
  hexOf,
  newPublisherKey,
  parseName,
  parseRegistryReference,
  publicPartOf,
  signDetached,
  type WrittenPackage,
} from '../../../../guest-sdk/protocol/index.ts';
import type { PolicyFile } from '../../../../runtime/grant/index.ts';
import type { RegistryPulls } from '../../../../runtime/provision/registry/registry-pulls.ts';
import { TOKEN } from '../../../host/memory-engine.ts';
import { SeededRandom } from '../../../support/random.ts';
import { refused } from '../../../support/refusal.ts';
import { packageOf, RegistryLab } from '../../../support/registry-lab.ts';
import { type Instead, type ServedRegistry, serveRegistry } from '../../../support/served-registry.ts';

const pulls = suite('a cloudlet pulls by reference');

const KEY = await newPublisherKey();
const LOCAL: PolicyFile = { registries: { privateNetworks: ['127.0.0.0/8'] } };
const NEVER = new AbortController().signal;
const LARGE = new SeededRandom(5).bytes(2 ** 20);

let there: RegistryLab;
let here: RegistryLab;
let served: ServedRegistry;
let waits = 0;
const wait = async () => {
  waits += 1;
};

pulls.before(async () => {
  [there, here] = await Promise.all([RegistryLab.open(), RegistryLab.open()]);
  served = await serveRegistry(there.ask);
});
pulls.before.each(async () => {
  for (const lab of [here, there]) {
    for (const each of lab.data.registry.list()) lab.data.registry.remove(each.name);
    await lab.data.collectGarbage();
    lab.publishers = 'anyone';
  }
  Object.assign(served, { asked: [], sentBytes: 0, cutAfter: null, instead: () => false });
  waits = 0;
});
pulls.after(async () => {
  await served.close();
  await Promise.all([there.close(), here.close()]);
});

const name = parseName('fn');
const at = (suffix = '') => parseRegistryReference(`oci://${served.host}/fn${suffix}`);
const pull = (from: RegistryPulls, more: { credentials?: string; signal?: AbortSignal } = {}, suffix = '') =>
  from.pull(name, at(suffix), { signal: NEVER, ...more });
const signed = (words: string, files: [string, Uint8Array][] = []): Promise<WrittenPackage> =>
  packageOf(
    { arguments: [words], ...(files.length === 0 ? {} : { files: [{ path: '/d', from: 'data' }] }) },
    files,
    (manifest) => signDetached(manifest, KEY, 'package'),
  );
const unsigned = (files: [string, Uint8Array][]): Promise<WrittenPackage> =>
  packageOf({ files: [{ path: '/d', from: 'data' }] }, files);
/** Puts a package with its signatures into the other registry. */
async function put({ signatures, ...written }: WrittenPackage): Promise<void> {
  for (const { jws, digest, manifest } of signatures) {
    for (const each of ['{}', jws]) await there.upload('fn', new TextEncoder().encode(each));
    assert.is((await there.put('fn', digest, manifest)).status, 201);
  }
  assert.is((await there.push('fn', 'latest', { ...written, signatures })).status, 201);
}
const kept = () => readdir(join(here.data.path, 'pulls')).catch(() => [] as string[]);

pulls('a package becomes a version with its signature, its parts are fetched once, and progress is told', async () => {
  const written = await signed('1');
  await put(written);
  here.publishers = 'pinned';
  const from = here.pulls(LOCAL);
  const told: string[] = [];
  const published = await from.pull(name, at(), {
    signal: NEVER,
    onProgress: ({ stage, bytesDone, bytesTotal }) => told.push(`${stage} ${bytesDone}/${bytesTotal}`),
  });
  assert.equal([published.digest, published.version, published.created], [written.digest, 1, true]);
  assert.is(here.data.registry.publishers.pinned(name), fingerprintOf(publicPartOf(KEY)));
  assert.equal(
    new Set(told.map((each) => each.split(' ')[0])),
    new Set(['receiving', 'inspecting', 'transpiling', 'registering']),
  );
  const total = [...written.blobs].reduce((sum, [each, { length }]) => sum + (each === written.digest ? 0 : length), 0);
  assert.ok(told.includes(`receiving ${total}/${total}`), told.join());
  assert.equal(await kept(), []);
  served.sentBytes = 0;
  const again = await pull(from, {}, `@${written.digest}`);
  assert.equal([again.created, again.version], [false, 1]);
  const parts = served.asked.filter(({ line }) => /blobs\/sha256/.test(line)).length;
  assert.ok(parts <= 3 + 1 + 1, `${parts} parts were asked for`);
});

pulls('the policy of publishers holds as for a push, and nothing is left of what it refuses', async () => {
  await there.push('fn', 'latest', await packageOf({ arguments: ['1'] }));
  here.publishers = 'pinned';
  await refused(() => pull(here.pulls(LOCAL)), 'signature-invalid', /got no signature/);
  await here.data.collectGarbage();
  assert.equal([here.data.registry.count(), await here.data.blobs.list()], [0, []]);
  // An older version that a registry serves as its latest is one that was here before.
  here.publishers = 'anyone';
  const [one, two] = [await signed('1'), await signed('2')];
  for (const each of [one, two]) {
    await put(each);
    await pull(here.pulls(LOCAL));
  }
  there.data.registry.rollback(name);
  await refused(() => pull(here.pulls(LOCAL)), 'conflict', /rollback fn 1/);
});

pulls('a registry that asks for credentials gets them, and nobody else does', async () => {
  await put(await signed('1'));
  const strict = await serveRegistry(there.askAnonymously);
  try {
    const reference = parseRegistryReference(`oci://${strict.host}/fn`);
    const ask = (credentials?: string) =>
      here.pulls(LOCAL).pull(name, reference, { signal: NEVER, ...(credentials && { credentials }) });
    for (const credentials of [undefined, 'me:wrong'])
      await refused(() => ask(credentials), 'forbidden', /user:password/);
    assert.is((await ask(`me:${TOKEN}`)).version, 1);
    strict.instead = ({ url = '' }, response) => {
      if (!url.includes('/blobs/')) return false;
      response.writeHead(307, { location: `http://${served.host}${url}` }).end();
      return true;
    };
    here.data.registry.remove(name);
    await here.data.collectGarbage();
    const named = here.pulls({ registries: { ...LOCAL.registries, hosts: ['localhost:*'] } });
    assert.is((await named.pull(name, reference, { signal: NEVER, credentials: `me:${TOKEN}` })).version, 1);
    assert.ok(served.asked.length > 0);
    assert.equal(new Set(served.asked.map(({ authorization }) => authorization)), new Set([undefined]));
  } finally {
    await strict.close();
  }
});

/** Pulls, and breaks each answer that stops when all that was sent of it has come. */
const pullOverBreaks = (from: RegistryPulls) =>
  from.pull(name, at(), {
    signal: NEVER,
    onProgress: ({ bytesDone }) => {
      if (bytesDone >= served.sentBytes) served.breakOff();
    },
  });

pulls('a connection that breaks in the middle of a part is gone on with behind the break', async () => {
  const written = await unsigned([['data/a', LARGE]]);
  await put(written);
  served.cutAfter = 400_000;
  await pullOverBreaks(here.pulls(LOCAL, { wait }));
  assert.is(waits, 2);
  assert.ok(served.sentBytes <= written.sizeBytes * 1.05, `${served.sentBytes} of ${written.sizeBytes} bytes went`);
});

pulls('what a pull had when it ended is not fetched again by the next, also of another process', async () => {
  const written = await unsigned([['data/a', LARGE]]);
  await put(written);
  served.cutAfter = 600_000;
  served.instead = ({ headers }, response) => {
    if (headers.range === undefined) return false;
    response.writeHead(503).end();
    return true;
  };
  await refused(() => pullOverBreaks(here.pulls(LOCAL, { wait })), 'network-unavailable', /503/);
  await here.data.collectGarbage();
  assert.ok((await kept()).length > 0);
  served.instead = () => false;
  served.cutAfter = null;
  await pull(here.pulls(LOCAL, { wait }));
  assert.ok(served.sentBytes <= written.sizeBytes * 1.05, `${served.sentBytes} of ${written.sizeBytes} bytes went`);
  assert.equal(await kept(), []);
});

pulls('what an earlier try left is not believed', async () => {
  const written = await signed('1', [['data/a', LARGE]]);
  await put(written);
  const from = here.pulls(LOCAL);
  const [large] = [...written.blobs].find(([, bytes]) => bytes.length > 2 ** 20)!;
  await refused(() => from.pull(name, at(':none'), { signal: NEVER }), 'not-found', /none/);
  served.instead = () => true;
  const leaving = new AbortController();
  const left = refused(() => pull(from, { signal: leaving.signal }), 'client-closed', /./);
  leaving.abort();
  await left;
  served.instead = () => false;
  await from.pull(parseName('other'), at(), { signal: NEVER });
  here.data.registry.remove(parseName('other'));
  await here.data.collectGarbage();
  for (const torn of [new Uint8Array(900_000), new Uint8Array(2 ** 21)]) {
    await writeFile(join(here.data.path, 'pulls', hexOf(large)), torn);
    assert.is((await pull(from)).digest, written.digest);
    here.data.registry.remove(name);
    await here.data.collectGarbage();
  }
  assert.equal(await kept(), []);
});

const answering =
  (pattern: RegExp, answer: Instead): Instead =>
  (request, response) =>
    pattern.test(request.url ?? '') && answer(request, response);
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const manifestOf = (value: unknown): Instead =>
  answering(/manifests/, (_, response) => {
    response
      .writeHead(200, { 'content-type': MANIFEST })
      .end(typeof value === 'string' ? value : JSON.stringify(value));
    return true;
  });
const descriptor = (size: number, digit: number | string = 'a', mediaType = 'application/wasm') => ({
  mediaType,
  digest: `sha256:${String(digit).padStart(64, '0')}`,
  size,
});
const bomb = (layers: unknown[]) => ({
  schemaVersion: 2,
  config: descriptor(2, 'b', 'application/vnd.wasm.config.v0+json'),
  layers,
});
const redirect = (location: string): Instead =>
  answering(/blobs/, (_, response) => {
    response.writeHead(307, { location }).end();
    return true;
  });
const endless = (pattern: RegExp, fields: Record<string, string> = {}): Instead =>
  answering(pattern, (_, response) => {
    response.writeHead(200, { 'content-type': MANIFEST, ...fields });
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
    return true;
  });

for (const [what, instead, code, sentence] of [
  [
    'a part with other bytes',
    answering(/blobs/, (_, response) => {
      response.end(Buffer.alloc(10));
      return true;
    }),
    'package-invalid',
    /a part of \d+ bytes/,
  ],
  ['an endless part', endless(/blobs/), 'package-invalid', /got more/],
  ['an endless manifest', endless(/manifests/), 'result-too-large', /at most 524288 bytes/],
  ['an endless list of referrers', endless(/referrers/), 'result-too-large', /at most 524288 bytes/],
  [
    'a part that says it is longer',
    endless(/blobs/, { 'content-length': '99999999' }),
    'package-invalid',
    /got one of 99999999/,
  ],
  [
    'a manifest of very many layers',
    manifestOf(bomb(Array.from({ length: 2000 }, (_, n) => descriptor(1, n)))),
    'package-invalid',
    /layers/,
  ],
  [
    'a manifest of very large layers',
    manifestOf(bomb([descriptor(2 ** 50)])),
    'package-invalid',
    /at most \d+ bytes together/,
  ],
  ['a manifest that is very deep', manifestOf('['.repeat(200_000)), 'package-invalid', /./],
  [
    'an image',
    manifestOf({ ...bomb([descriptor(5)]), config: descriptor(2, 'b', 'application/vnd.oci.image.config.v1+json') }),
    'package-invalid',
    /vnd\.wasm\.config/,
  ],
  [
    "a redirect to a cloud's credentials",
    redirect('https://169.254.169.254/latest/meta-data/'),
    'network-unavailable',
    /may not reach|others can reach/,
  ],
  [
    'a redirect to them by plain HTTP',
    redirect('http://169.254.169.254/latest/meta-data/'),
    'network-unavailable',
    /https/,
  ],
  ['a redirect to another port of this computer', redirect('http://127.0.0.1:1/x'), 'network-unavailable', /https/],
  [
    'a redirect to a private network',
    redirect('https://10.0.0.1/x'),
    'network-unavailable',
    /may not reach 10|10\.0\.0\.1/,
  ],
  ['a redirect to a name of this computer', redirect('https://localhost:1/x'), 'network-unavailable', /may not reach/],
  [
    'redirects without an end',
    ((request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    }) as Instead,
    'network-unavailable',
    /at most 5 redirects/,
  ],
  [
    'a token service on this computer',
    ((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"' }).end();
      return true;
    }) as Instead,
    'network-unavailable',
    /https/,
  ],
] as const)
  pulls(`${what} is refused, and nothing stays`, async () => {
    await put(await signed('1'));
    served.instead = instead as Instead;
    await refused(() => pull(here.pulls(LOCAL, { wait })), code, sentence);
    await here.data.collectGarbage();
    assert.equal([here.data.registry.count(), await here.data.blobs.list()], [0, []]);
    for (const file of await kept()) assert.ok((await stat(join(here.data.path, 'pulls', file))).size < 1024);
  });

for (const [what, policy, host, sentence] of [
  ['none', { registries: { hosts: 'none' } }, 'images.example', /pull from none/],
  [
    'one that is not named',
    { registries: { hosts: ['other.example'] } },
    'images.example',
    /does not name images\.example/,
  ],
  [
    'another port of one that is named',
    { registries: { hosts: ['images.example'] } },
    'images.example:5000',
    /does not name/,
  ],
  ["the cloudlet's own computer", {}, 'localhost:5000', /own computer/],
] as const)
  pulls(`${what} is asked by no policy that does not say so`, () => {
    const fault = here.pulls(policy as PolicyFile).fault(parseRegistryReference(`oci://${host}/fn`));
    assert.match(fault ?? '', sentence);
  });

for (const [what, policy, host] of [
  ['any that is public', {}, 'images.example'],
  ['one that is named', { registries: { hosts: ['*.example'] } }, 'images.example'],
  ['this computer', LOCAL, 'localhost:5000'],
  [
    'one by plain HTTP',
    { registries: { hosts: ['http://10.0.0.5:5000'], plainHttp: ['10.0.0.5:5000'] } },
    '10.0.0.5:5000',
  ],
] as const)
  pulls(`${what} is asked where the policy says so`, () => {
    assert.is(here.pulls(policy as PolicyFile).fault(parseRegistryReference(`oci://${host}/fn`)), null);
  });

for (const [address, reached] of [
  ['169.254.169.254', false],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['::ffff:127.0.0.1', false],
  ['8.8.8.8', true],
] as const)
  pulls(`a name that leads to ${address} is ${reached ? '' : 'not '}connected to`, async () => {
    const connected: string[] = [];
    const connector = async (to: string): Promise<never> => {
      connected.push(to);
      throw new CloudletError('network-unavailable', 'nobody is there');
    };
    const world = { resolver: async () => [address], connector, ownNetworks: () => [] };
    const reference = parseRegistryReference('oci://images.example/fn');
    await refused(
      () => here.pulls({}, { world }).pull(name, reference, { signal: NEVER }),
      'network-unavailable',
      reached ? /./ : /may not reach/,
    );
    assert.equal(connected, reached ? [address] : []);
  });

pulls.run();
