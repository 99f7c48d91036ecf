import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  digestOf,
  MEDIA_TYPES,
  newPublisherKey,
  signatureOf,
  signDetached,
} from '../../../guest-sdk/protocol/index.ts';
import { COMPONENT, MANIFEST, packageOf, RegistryLab, tarOfPackage } from '../../support/registry-lab.ts';
import { TOKEN } from '../memory-engine.ts';

const registry = suite('the registry');

let lab: RegistryLab;
registry.before.each(async () => {
  lab = await RegistryLab.open();
});
registry.after.each(() => lab.close());

const errorOf = async (response: Response): Promise<string> => {
  const { errors } = (await response.json()) as { errors: { code: string; message: string }[] };
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  return `${response.status} ${errors[0]!.code}`;
};
const bytes = (text: string) => new TextEncoder().encode(text);
const tags = async (name: string) =>
  ((await (await lab.ask(`/v2/${name}/tags/list`)).json()) as { tags: string[] }).tags;

registry('says that it is one, to whom it lets in, and how to be let in', async () => {
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`anybody:${password}`)}` });
  for (const path of ['/v2/', '/v2']) assert.is((await lab.ask(path)).status, 200);
  assert.is((await lab.askAnonymously('/v2/', { headers: basic(TOKEN) })).status, 200);
  for (const headers of [{}, basic('wrong'), basic(''), { authorization: 'Basic *' }]) {
    const response = await lab.askAnonymously('/v2/', { headers: headers as Record<string, string> });
    assert.is(response.headers.get('www-authenticate'), 'Basic realm="cloudlet"');
    assert.is(await errorOf(response), '401 UNAUTHORIZED');
  }
  assert.is((await lab.askAnonymously('/v1/status', { headers: basic(TOKEN) })).status, 401, 'Basic elsewhere');
});

registry('what was published as a component is a WebAssembly artifact, with a config and one layer', async () => {
  const { digest } = await lab.publish('one', COMPONENT);
  for (const reference of ['latest', '1']) {
    const response = await lab.ask(`/v2/one/manifests/${reference}`);
    assert.is(response.headers.get('content-type'), MANIFEST);
    const body = new Uint8Array(await response.arrayBuffer());
    assert.is(response.headers.get('docker-content-digest'), await digestOf(body));
    const manifest = JSON.parse(new TextDecoder().decode(body));
    assert.equal(manifest.layers, [{ mediaType: 'application/wasm', digest, size: COMPONENT.length }]);
    const again = await lab.ask(`/v2/one/manifests/${response.headers.get('docker-content-digest')}`);
    assert.equal(new Uint8Array(await again.arrayBuffer()), body);
    const config = await (await lab.ask(`/v2/one/blobs/${manifest.config.digest}`)).json();
    assert.equal([config.architecture, config.os, config.component.exports], ['wasm', 'wasip2', ['one']]);
    const layer = await lab.ask(`/v2/one/blobs/${digest}`);
    assert.equal(new Uint8Array(await layer.arrayBuffer()), COMPONENT);
  }
});

registry('a package is pulled as it was published, and pushed as it was pulled', async () => {
  const written = await packageOf({ files: [{ path: '/d', from: 'd' }] }, [['d/a', bytes('A')]]);
  const { digest } = await lab.publish('one', tarOfPackage(written));
  assert.is(digest, written.digest);
  const pulled = new Uint8Array(await (await lab.ask('/v2/one/manifests/latest')).arrayBuffer());
  assert.equal(pulled, written.manifest);
  for (const [each, content] of written.blobs)
    assert.equal(new Uint8Array(await (await lab.ask(`/v2/one/blobs/${each}`)).arrayBuffer()), content);
  const response = await lab.push('other', 'v1.0', written);
  assert.equal([response.status, response.headers.get('docker-content-digest')], [201, digest]);
  assert.equal(await tags('other'), ['1', 'latest', 'v1.0']);
  // The same again is no other version, another tag is one more name of it.
  for (const reference of ['latest', 'v1.0', 'stable', digest, '1'])
    assert.is((await lab.put('other', reference, written.manifest)).status, 201, reference);
  assert.equal(await tags('other'), ['1', 'latest', 'stable', 'v1.0']);
  assert.equal(lab.data.registry.get('other' as never).versions.length, 1);
});

registry('blobs are served in ranges, and by HEAD', async () => {
  const { digest } = await lab.publish('one', COMPONENT);
  const part = await lab.ask(`/v2/one/blobs/${digest}`, { headers: { range: 'bytes=2-5' } });
  assert.equal([part.status, part.headers.get('content-range')], [206, `bytes 2-5/${COMPONENT.length}`]);
  assert.equal(new Uint8Array(await part.arrayBuffer()), COMPONENT.subarray(2, 6));
  const head = await lab.ask(`/v2/one/blobs/${digest}`, { method: 'HEAD' });
  assert.equal([head.status, head.headers.get('content-length')], [200, String(COMPONENT.length)]);
  assert.is((await lab.ask('/v2/one/manifests/latest', { method: 'HEAD' })).status, 200);
  const behind = await lab.ask(`/v2/one/blobs/${digest}`, { headers: { range: 'bytes=999999-' } });
  assert.is(await errorOf(behind), '416 BLOB_UPLOAD_INVALID');
});

registry('an upload in parts goes on where it is, and is a blob only when its digest fits', async () => {
  const begun = await lab.ask('/v2/one/blobs/uploads/', { method: 'POST' });
  assert.is(begun.status, 202);
  const at = begun.headers.get('location')!;
  const digest = await digestOf(COMPONENT);
  const send = (from: number, to: number, method = 'PATCH', query = '') =>
    lab.ask(`${at}${query}`, {
      method,
      headers: { 'content-range': `${from}-${to - 1}` },
      body: COMPONENT.subarray(from, to) as BodyInit,
    });
  assert.is((await send(0, 10)).headers.get('range'), '0-9');
  const early = await send(20, 30);
  assert.is(await errorOf(early), '416 BLOB_UPLOAD_INVALID');
  assert.is((await lab.ask(at)).headers.get('range'), '0-9');
  assert.is((await send(10, 30)).status, 202);
  assert.is(await errorOf(await lab.ask(`/v2/one/blobs/${digest}`)), '404 BLOB_UNKNOWN');
  const done = await send(30, COMPONENT.length, 'PUT', `?digest=${digest}`);
  assert.equal([done.status, done.headers.get('location')], [201, `/v2/one/blobs/${digest}`]);
  assert.is((await lab.ask(`/v2/one/blobs/${digest}`)).status, 200);
  assert.is(await errorOf(await lab.ask(at)), '404 BLOB_UPLOAD_UNKNOWN');
});

registry('an upload that is another one, is given up, or waited for too long is gone', async () => {
  const begin = async () => (await lab.ask('/v2/one/blobs/uploads', { method: 'POST' })).headers.get('location')!;
  const wrong = await begin();
  const ended = await lab.ask(`${wrong}?digest=sha256:${'0'.repeat(64)}`, {
    method: 'PUT',
    body: COMPONENT as BodyInit,
  });
  assert.is(await errorOf(ended), '400 DIGEST_INVALID');
  const cancelled = await begin();
  assert.is((await lab.ask(cancelled, { method: 'DELETE' })).status, 204);
  const late = await begin();
  lab.now += 61 * 60_000;
  for (const each of [wrong, cancelled, late, '/v2/other/blobs/uploads/x', '/v2/one/blobs/uploads/..%2f..'])
    assert.is(await errorOf(await lab.ask(each, { method: 'PATCH', body: 'x' })), '404 BLOB_UPLOAD_UNKNOWN', each);
  await lab.data.collectGarbage();
  assert.equal(await lab.data.blobs.list(), []);
});

registry('blobs that no manifest names are given up after an hour, or when they are told to', async () => {
  const digest = await digestOf(COMPONENT);
  await lab.upload('one', COMPONENT);
  assert.is((await lab.ask(`/v2/one/blobs/${digest}`, { method: 'HEAD' })).status, 200);
  assert.is((await lab.ask(`/v2/other/blobs/${digest}`, { method: 'HEAD' })).status, 404, "another's");
  assert.is((await lab.ask(`/v2/one/blobs/${digest}`, { method: 'DELETE' })).status, 202);
  await lab.upload('one', COMPONENT);
  lab.now += 61 * 60_000;
  assert.is((await lab.ask(`/v2/one/blobs/${digest}`)).status, 404);
  assert.equal(await lab.data.blobs.list(), []);
});

registry('a blob of another function is taken without its bytes; of an unknown one it is asked for', async () => {
  const { digest } = await lab.publish('one', COMPONENT);
  const mount = (from: string) => lab.ask(`/v2/two/blobs/uploads/?mount=${digest}&from=${from}`, { method: 'POST' });
  assert.is((await mount('one')).status, 201);
  for (const from of ['three', 'library/other']) assert.is((await mount(from)).status, 202, from);
  const { manifest, blobs } = await packageOf({ arguments: ['x'] });
  for (const content of blobs.values()) if (content !== COMPONENT) await lab.upload('two', content);
  assert.is((await lab.put('two', 'latest', manifest)).status, 201);
});

registry('a manifest has the blobs of its own function only, whoever knows the digest of another', async () => {
  const { manifest, blobs } = await packageOf({ arguments: ['x'] });
  await lab.publish('one', COMPONENT);
  for (const content of blobs.values()) if (content !== COMPONENT) await lab.upload('two', content);
  const refused = await lab.put('two', 'latest', manifest);
  assert.is(await errorOf(refused), '400 MANIFEST_INVALID');
  await lab.upload('two', COMPONENT);
  assert.is((await lab.put('two', 'latest', manifest)).status, 201);
});

registry('an earlier component that came without a package is pushed again without a byte', async () => {
  await lab.publish('one', COMPONENT);
  const manifest = await (await lab.ask('/v2/one/manifests/1')).text();
  await lab.push('one', 'latest', await packageOf({ arguments: ['x'] }));
  assert.is((await lab.put('one', 'latest', manifest)).status, 201);
  assert.is(lab.data.registry.get('one' as never).current, 3);
});

registry('uploads that nobody ends give way to others once they are silent', async () => {
  const begin = () => lab.ask('/v2/one/blobs/uploads/', { method: 'POST' });
  const first = (await begin()).headers.get('location')!;
  for (let at = 1; at < 64; at += 1) assert.is((await begin()).status, 202);
  assert.is(await errorOf(await begin()), '429 TOOMANYREQUESTS');
  lab.now += 61_000;
  assert.is((await begin()).status, 202);
  assert.is(await errorOf(await lab.ask(first)), '404 BLOB_UPLOAD_UNKNOWN');
});

registry('an upload that is being sent is not given up by another request', async () => {
  const at = (await lab.ask('/v2/one/blobs/uploads/', { method: 'POST' })).headers.get('location')!;
  let end = () => {};
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes('abc'));
      end = () => controller.close();
    },
  });
  const sending = lab.ask(at, { method: 'PATCH', body });
  while ((await lab.ask(at)).headers.get('range') !== '0-2') await new Promise(setImmediate);
  assert.is(await errorOf(await lab.ask(at, { method: 'DELETE' })), '409 BLOB_UPLOAD_INVALID');
  end();
  assert.is((await sending).status, 202);
  assert.is((await lab.ask(at, { method: 'DELETE' })).status, 204);
});

registry('lists come in pages', async () => {
  for (const name of ['a', 'b', 'c']) await lab.publish(name, COMPONENT);
  const first = await lab.ask('/v2/_catalog?n=2');
  assert.equal(await first.json(), { repositories: ['a', 'b'] });
  assert.is(first.headers.get('link'), '</v2/_catalog?n=2&last=b>; rel="next"');
  const rest = await lab.ask('/v2/_catalog?n=2&last=b');
  assert.equal([await rest.json(), rest.headers.get('link')], [{ repositories: ['c'] }, null]);
  assert.equal(await (await lab.ask('/v2/a/tags/list?n=1')).json(), { name: 'a', tags: ['1'] });
});

registry('what goes is a tag, or a version that no calls go to', async () => {
  const [one, two] = [await packageOf({ arguments: ['1'] }), await packageOf({ arguments: ['2'] })];
  await lab.push('fn', 'old', one);
  await lab.push('fn', 'new', two);
  const remove = (reference: string) => lab.ask(`/v2/fn/manifests/${reference}`, { method: 'DELETE' });
  assert.is((await remove('new')).status, 202);
  assert.is(await errorOf(await remove('new')), '404 MANIFEST_UNKNOWN');
  for (const reference of ['latest', '2', two.digest])
    assert.is(await errorOf(await remove(reference)), '405 UNSUPPORTED');
  const [layer] = JSON.parse(new TextDecoder().decode(one.manifest)).layers;
  assert.is(await errorOf(await lab.ask(`/v2/fn/blobs/${layer.digest}`, { method: 'DELETE' })), '405 UNSUPPORTED');
  assert.is((await remove(one.digest)).status, 202);
  assert.is(await errorOf(await lab.ask('/v2/fn/manifests/old')), '404 MANIFEST_UNKNOWN');
  assert.equal(await tags('fn'), ['2', 'latest']);
});

registry('signatures refer to their package, whichever comes first', async () => {
  const key = await newPublisherKey();
  const written = await packageOf({}, [], (manifest) => signDetached(manifest, key, 'package'));
  const [signature] = written.signatures;
  const sign = async (name: string) => {
    await lab.upload(name, bytes('{}'));
    await lab.upload(name, bytes(signature!.jws));
    return await lab.put(name, signature!.digest, signature!.manifest);
  };
  for (const [name, first] of [
    ['before', true],
    ['after', false],
  ] as const) {
    if (!first) await lab.push(name, 'latest', written);
    const response = await sign(name);
    assert.equal([response.status, response.headers.get('oci-subject')], [201, written.digest]);
    if (first) await lab.push(name, 'latest', written);
    const type = encodeURIComponent(MEDIA_TYPES.signature);
    const index = await lab.ask(`/v2/${name}/referrers/${written.digest}?artifactType=${type}`);
    assert.equal(
      [index.headers.get('content-type'), index.headers.get('oci-filters-applied')],
      [MEDIA_TYPES.index, 'artifactType'],
    );
    const { manifests } = (await index.json()) as { manifests: { digest: string; artifactType: string }[] };
    assert.equal(
      manifests.map(({ digest, artifactType }) => [digest, artifactType]),
      [[signature!.digest, MEDIA_TYPES.signature]],
    );
    const manifest = await lab.ask(`/v2/${name}/manifests/${signature!.digest}`);
    assert.equal(new Uint8Array(await manifest.arrayBuffer()), signature!.manifest);
    const jws = JSON.parse(new TextDecoder().decode(signature!.manifest)).layers[0];
    assert.is(await (await lab.ask(`/v2/${name}/blobs/${jws.digest}`)).text(), signature!.jws);
    assert.equal(
      ((await (await lab.ask(`/v2/${name}/referrers/${written.digest}?artifactType=x`)).json()) as { manifests: [] })
        .manifests,
      [],
    );
  }
  assert.is((await lab.ask(`/v2/after/manifests/${signature!.digest}`, { method: 'DELETE' })).status, 202);
  assert.equal(
    ((await (await lab.ask(`/v2/before/referrers/${written.digest}`)).json()) as { manifests: [] }).manifests,
    [],
  );
});

registry('what nobody refers to has an empty list, also below a name that nobody has', async () => {
  await lab.publish('one', COMPONENT);
  for (const name of ['one', 'none']) {
    const index = await lab.ask(`/v2/${name}/referrers/sha256:${'0'.repeat(64)}`);
    assert.equal([index.status, index.headers.get('content-type')], [200, MEDIA_TYPES.index]);
    assert.equal(((await index.json()) as { manifests: [] }).manifests, []);
  }
});

registry('a signature of other bytes is denied, and none is kept', async () => {
  const written = await packageOf();
  const forged = await signatureOf(await signDetached(bytes('other'), await newPublisherKey(), 'package'), {
    digest: written.digest,
    bytes: written.manifest,
  });
  await lab.push('fn', 'latest', written);
  for (const each of ['{}', forged.jws]) await lab.upload('fn', bytes(each));
  assert.is(await errorOf(await lab.put('fn', forged.digest, forged.manifest)), '403 DENIED');
  assert.equal(lab.data.registry.publishers.signatures(written.digest), []);
});

const IMAGE = {
  schemaVersion: 2,
  mediaType: MANIFEST,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${'a'.repeat(64)}`, size: 2 },
  layers: [{ mediaType: MEDIA_TYPES.files, digest: `sha256:${'b'.repeat(64)}`, size: 2 }],
};
for (const [what, reference, manifest, type, answer, sentence] of [
  ['an image', 'latest', JSON.stringify(IMAGE), MANIFEST, '400 MANIFEST_INVALID', /vnd\.wasm\.config/],
  ['an index', 'latest', '{"manifests":[]}', MEDIA_TYPES.index, '400 MANIFEST_INVALID', /image\.manifest/],
  [
    "Docker's manifest",
    'latest',
    '{}',
    'application/vnd.docker.distribution.manifest.v2+json',
    '400 MANIFEST_INVALID',
    /image\.manifest/,
  ],
  ['no JSON', 'latest', '{', MANIFEST, '400 MANIFEST_INVALID', /as JSON/],
  ['null', 'latest', 'null', MANIFEST, '400 MANIFEST_INVALID', /manifest/],
  ['another digest', `sha256:${'0'.repeat(64)}`, '{}', MANIFEST, '400 DIGEST_INVALID', /with digest/],
  ['another algorithm', `sha512:${'0'.repeat(128)}`, '{}', MANIFEST, '400 DIGEST_INVALID', /sha256/],
  ['a number of a version', '7', '{}', MANIFEST, '400 MANIFEST_INVALID', /numbers versions itself/],
  ['no tag', '-x', '{}', MANIFEST, '400 MANIFEST_INVALID', /a tag of letters/],
] as const) {
  registry(`${what} is refused with the reason`, async () => {
    const response = await lab.put('fn', reference, manifest, type);
    assert.match(await response.clone().text(), sentence);
    assert.is(await errorOf(response), answer);
    assert.is(lab.data.registry.count(), 0);
  });
}

for (const [method, path, answer] of [
  ['GET', '/v2/none/tags/list', '404 NAME_UNKNOWN'],
  ['GET', '/v2/none/manifests/latest', '404 NAME_UNKNOWN'],
  ['GET', '/v2/library/busybox/manifests/latest', '404 NAME_INVALID'],
  ['GET', '/v2/UPPER/manifests/latest', '400 NAME_INVALID'],
  ['GET', '/v2/..%2f..%2fetc/manifests/latest', '400 NAME_INVALID'],
  ['GET', '/v2/one/blobs/sha256:..%2f..%2fowner-token', '400 DIGEST_INVALID'],
  ['GET', `/v2/one/blobs/sha512:${'0'.repeat(128)}`, '404 BLOB_UNKNOWN'],
  ['GET', `/v2/one/manifests/sha512:${'0'.repeat(128)}`, '404 MANIFEST_UNKNOWN'],
  ['GET', '/v2/one/blobs/sha512:00', '400 DIGEST_INVALID'],
  ['GET', '/v2/nothing', '404 UNKNOWN'],
  ['POST', '/v2/one/blobs/uploads/?digest=md5:1', '400 DIGEST_INVALID'],
] as const) {
  registry(`${method} ${path} is answered ${answer}`, async () => {
    assert.is(await errorOf(await lab.ask(path, { method })), answer);
  });
}

registry('a blob that is larger than any package is refused before it is kept', async () => {
  const begun = (await lab.ask('/v2/fn/blobs/uploads/', { method: 'POST' })).headers.get('location')!;
  const large = new Uint8Array(5 * 1024 * 1024);
  for (const response of [await lab.upload('fn', large), await lab.ask(begun, { method: 'PATCH', body: large })])
    assert.is(await errorOf(response), '413 SIZE_INVALID');
  await lab.data.collectGarbage();
  assert.equal(await lab.data.blobs.list(), []);
});

registry('what waits for a manifest is bounded together', async () => {
  const piece = (n: number) => new Uint8Array(4 * 1024 * 1024 - 64).fill(n);
  const answers: number[] = [];
  for (let n = 0; n < 6; n += 1) answers.push((await lab.upload('fn', piece(n))).status);
  assert.equal([...new Set(answers)].sort(), [201, 507]);
  assert.is(answers[0], 201);
});

registry.run();
