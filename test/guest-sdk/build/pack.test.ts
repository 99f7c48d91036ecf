import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  build,
  isPackageFile,
  pack,
  packBuilt,
  packComponent,
  packProject,
  projectSchema,
  readGrant,
  readPackageFile,
  sign,
} from '../../../guest-sdk/build/index.ts';
import {
  CloudletError,
  fingerprintOf,
  MEDIA_TYPES,
  newPublisherKey,
  publicPartOf,
  verifySignature,
} from '../../../guest-sdk/protocol/index.ts';
import { refused } from '../../support/refusal.ts';
import { wat } from '../../support/wat.ts';

const packing = suite('packing a project');
const WASM = await wat('(module (func (export "_start")))');
const GRANT = { files: [{ path: '/data', from: 'assets' }], scratch: { path: '/tmp', bytes: 10, from: 'one.txt' } };

let folder: string;
let component: string;
packing.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-pack-'));
  component = join(folder, 'a.wasm');
  await writeFile(component, WASM);
  await mkdir(join(folder, 'assets', 'deep'), { recursive: true });
  await writeFile(join(folder, 'assets', 'b.txt'), 'B');
  await writeFile(join(folder, 'assets', 'deep', 'c.txt'), 'C');
  await writeFile(join(folder, 'one.txt'), 'one');
  await mkdir(join(folder, 'links'));
  await symlink('/etc/passwd', join(folder, 'links', 'passwd'));
  await symlink('assets', join(folder, 'linked'));
});
packing.after(() => rm(folder, { recursive: true }));

/** The layers of a package, with what is in them. */
function layersOf({ manifest, blobs }: Awaited<ReturnType<typeof pack>>) {
  const { layers } = JSON.parse(new TextDecoder().decode(manifest)) as {
    layers: { mediaType: string; digest: string }[];
  };
  return layers.map(({ mediaType, digest }) => [mediaType, blobs.get(digest as never)!] as const);
}

packing('has what its project reads first before all else, and refuses what is not in it', async () => {
  const list = (layer: Uint8Array) =>
    execFileSync('tar', ['-t'], { input: zstdDecompressSync(layer), encoding: 'utf8' })
      .trim()
      .split('\n');
  const project = { name: 'x', readFirst: ['one.txt', 'assets/deep'], ...GRANT };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
  try {
    const [, , ...files] = layersOf(await packProject({ component, grant: GRANT, folder }));
    assert.equal(
      files.map(([, bytes]) => list(bytes)),
      [['one.txt'], ['assets/deep/c.txt', 'assets/b.txt']],
    );
    const failure = await pack({ component, grant: GRANT, folder, readFirst: ['assets/de'] }).catch((error) => error);
    assert.is(failure.code, 'project-invalid');
    assert.match(failure.message, /"readFirst" names "assets\/de", which is no file or folder .*; remove it there/);
  } finally {
    await rm(join(folder, 'cloudlet.json'));
  }
});

packing('takes the files that the grant names, under their paths, a layer for each', async () => {
  const [code, grant, ...files] = layersOf(await pack({ component, grant: GRANT, folder }));
  assert.equal([code![0], Buffer.from(code![1])], [MEDIA_TYPES.component, Buffer.from(WASM)]);
  assert.equal([grant![0], JSON.parse(Buffer.from(grant![1]).toString())], [MEDIA_TYPES.grant, GRANT]);
  const listed = files.map(([mediaType, bytes]) => {
    assert.is(mediaType, MEDIA_TYPES.filesZstd);
    return execFileSync('tar', ['-t'], { input: zstdDecompressSync(bytes), encoding: 'utf8' })
      .trim()
      .split('\n');
  });
  assert.equal(listed, [['assets/b.txt', 'assets/deep/c.txt'], ['one.txt']]);
});

packing('is the same bytes in another folder, with other times, modes and another mask', async () => {
  const copies: string[] = [];
  const mask = process.umask();
  try {
    for (const [umask, mode, time] of [
      [0o022, 0o644, 0],
      [0o077, 0o600, 1_700_000_000],
    ] as const) {
      process.umask(umask);
      const copy = await mkdtemp(join(tmpdir(), 'cloudlet-pack-copy-'));
      copies.push(copy);
      for (const path of ['a.wasm', 'assets/b.txt', 'assets/deep/c.txt', 'one.txt']) {
        await mkdir(join(copy, path, '..'), { recursive: true });
        await writeFile(join(copy, path), await readFile(join(folder, path)), { mode });
        await utimes(join(copy, path), time, time);
      }
      await writeFile(join(copy, 'cloudlet.json'), JSON.stringify({ name: 'x', component: 'a.wasm', ...GRANT }));
      // What is no source makes no difference.
      await mkdir(join(copy, 'build'));
      await writeFile(join(copy, 'build', 'x.wasm'), String(time));
    }
    const key = await newPublisherKey();
    const packed = await Promise.all(
      copies.map((each) => packProject({ component: join(each, 'a.wasm'), grant: GRANT, folder: each, key })),
    );
    assert.equal(Buffer.concat(packed[0]!.pieces), Buffer.concat(packed[1]!.pieces));
    const { annotations } = JSON.parse(new TextDecoder().decode(packed[0]!.manifest));
    assert.equal(Object.keys(annotations), [
      'dev.cloudlet.grant',
      'dev.cloudlet.source',
      'dev.cloudlet.tools',
      'org.opencontainers.image.title',
    ]);
    await writeFile(join(copies[1]!, 'one.txt'), 'ONE');
    const other = await packProject({ component, grant: GRANT, folder: copies[1]! });
    assert.is.not(other.digest, packed[0]!.digest);
    const [, , shared] = layersOf(packed[0]!);
    assert.equal(layersOf(other)[2], shared, 'a layer that is as it was');
  } finally {
    process.umask(mask);
    for (const each of copies) await rm(each, { recursive: true });
  }
});

packing('is read from its file as it was written, and a torn or forged one is refused', async () => {
  const written = await sign(await pack({ component, grant: GRANT, folder }), await newPublisherKey());
  const file = join(folder, 'x.package.tar');
  const whole = Buffer.concat(written.pieces);
  await writeFile(file, whole);
  assert.is(await isPackageFile(file), true);
  assert.is(await isPackageFile(component), false);
  const opened = await readPackageFile(file);
  assert.equal(Buffer.concat(opened.written.pieces), whole);
  assert.equal([opened.grant, opened.signers.length, opened.layers.length], [GRANT, 1, 2]);
  await writeFile(file, whole.subarray(0, whole.length / 2));
  await refused(() => readPackageFile(file), 'package-invalid', /its end is missing/);
  const forged = Buffer.from(whole);
  forged[whole.indexOf('\0asm') + 4]! ^= 1;
  await writeFile(file, forged);
  await refused(() => readPackageFile(file), 'package-invalid', /expected a blob with digest/);
});

packing('a signature is added, once for each key, and nothing else changes', async () => {
  const [mine, theirs] = [await newPublisherKey(), await newPublisherKey()];
  const plain = await packComponent(WASM);
  const once = await sign(plain, mine);
  const twice = await sign(await sign(once, theirs), mine);
  assert.is(twice.digest, plain.digest);
  const subject = { digest: plain.digest, bytes: plain.manifest };
  const signers = await Promise.all(twice.signatures.map((each) => verifySignature(each, subject)));
  assert.equal(
    signers.map(({ fingerprint }) => fingerprint),
    [theirs, mine].map((key) => fingerprintOf(publicPartOf(key))),
  );
});

packing('makes nothing of a project that asks for nothing', async () => {
  assert.is(await packBuilt(folder, component), null);
  const project = { name: 'x', component: 'a.wasm' };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
  assert.is(await packBuilt(folder, component), null);
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ ...project, ...GRANT }));
  assert.is(
    (await packBuilt(folder, component))?.digest,
    (await packProject({ component, grant: GRANT, folder })).digest,
  );
  assert.equal(await readGrant(join(folder, 'cloudlet.json')), GRANT);
  // What is built already needs no tools, and stays where it is.
  const built = await build(folder);
  assert.equal([built.component, built.sizeBytes, built.project.grant], [component, WASM.length, GRANT]);
});

for (const [name, from, sentence] of [
  ['what is not there', 'nowhere', 'the grant names "nowhere", and there is no file or folder '],
  ['a link', 'links/passwd', 'no links in a package, got one at "links/passwd"'],
  ['a folder with a link in it', 'links', 'no links in a package, got one at "links/passwd"'],
  ['a folder that is a link', 'linked', 'no links in a package, got one at "linked"'],
  ['a file behind a link', 'linked/b.txt', 'no links in a package, got one at "linked/b.txt"'],
] as const) {
  packing(`${name} is refused`, async () => {
    const error = await pack({ component, grant: { files: [{ path: '/x', from }] }, folder }).catch((thrown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'project-invalid');
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
  });
}

packing('the schema knows every key of a project file, and no other', () => {
  const schema = projectSchema() as {
    properties: Record<string, { properties?: object }>;
    additionalProperties: boolean;
  };
  assert.is(schema.additionalProperties, false);
  for (const key of ['name', 'entry', 'component', 'files', 'scratch', 'secrets', 'http', 'stores', 'limits']) {
    assert.ok(schema.properties[key], key);
  }
  assert.ok('memoryMib' in schema.properties['limits']!.properties!);
  assert.is(MEDIA_TYPES.grant, 'application/vnd.cloudlet.grant.v1+json');
});

packing.run();
