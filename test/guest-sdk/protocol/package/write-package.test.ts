import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  joinPieces,
  parsePaxRecords,
  parseTarHeader,
  writePackage,
} from '../../../../guest-sdk/protocol/index.ts';
import { hexDigest } from '../../../support/package-lab.ts';

const packages = suite('a written package');
const bytes = (text: string) => new TextEncoder().encode(text);

const LONG = `deep/${'d'.repeat(150)}/${'n'.repeat(120)}.txt`;
const CONTENT = {
  component: bytes('component'),
  grant: { files: [{ path: '/data', from: 'assets' }] },
  files: [
    ['assets/b.txt', bytes('bee')],
    ['assets/a.txt', bytes('')],
    [LONG, bytes('long')],
    [`assets/${'é'.repeat(60)}`, bytes('accents')],
  ] as const,
};

packages('is the same bytes for the same content, whatever the order of its files', async () => {
  const one = await writePackage(CONTENT);
  const other = await writePackage({ ...CONTENT, files: CONTENT.files.toReversed() });
  const tar = joinPieces(one.pieces);
  assert.is(one.sizeBytes, tar.length);
  assert.equal(joinPieces(other.pieces), tar);
  // The format is pinned: another digest here is another name for every package that anybody has.
  assert.is(one.digest, 'sha256:0e73c585d1c760d9696c4390b6e1eb48ec6983fd7ad159f9e550e47a76fdbef3');
});

packages('has what is read first first, layers and the files in them, and the rest by its path', async () => {
  const order = async (readFirst?: readonly string[]): Promise<string[]> => {
    const content = readFirst === undefined ? CONTENT : { ...CONTENT, readFirst };
    const { manifest } = await writePackage(content);
    const { layers } = JSON.parse(new TextDecoder().decode(manifest)) as {
      layers: { annotations?: Record<string, string> }[];
    };
    return layers.flatMap(({ annotations = {} }) =>
      Object.values(annotations).flatMap((text) =>
        (JSON.parse(text) as { files: [string][] }).files.map(([path]) => path),
      ),
    );
  };
  const [one, a, b, accents] = [LONG, 'assets/a.txt', 'assets/b.txt', `assets/${'é'.repeat(60)}`];
  assert.equal(await order(), [one, a, b, accents]);
  assert.equal(await order(['assets/b.txt']), [b, a, accents, one]);
  assert.equal(await order(['deep', accents]), [one, accents, a, b]);
  assert.equal(await order([LONG, 'assets', 'elsewhere']), [one, a, b, accents]);
});

packages('is a layout that other tools can unpack, with every blob under its digest', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-package-'));
  const unpack = (tar: Uint8Array, to: string[]) => execFileSync('tar', ['-x', '-C', folder, ...to], { input: tar });
  try {
    const { digest, pieces } = await writePackage(CONTENT);
    unpack(joinPieces(pieces), []);
    const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8'));
    assert.equal(await read('oci-layout'), { imageLayoutVersion: '1.0.0' });
    const [named] = (await read('index.json')).manifests;
    assert.is(named.digest, digest);
    const blob = (each: { digest: string }) => `blobs/sha256/${each.digest.slice(7)}`;
    const manifest = await read(blob(named));
    for (const each of [named, manifest.config, ...manifest.layers]) {
      const content = await readFile(join(folder, blob(each)));
      assert.equal([content.length, `sha256:${hexDigest(content)}`], [each.size, each.digest]);
    }
    assert.equal(
      manifest.layers.map((each: { mediaType: string }) => each.mediaType),
      [
        'application/wasm',
        'application/vnd.cloudlet.grant.v1+json',
        'application/vnd.oci.image.layer.v1.tar',
        'application/vnd.oci.image.layer.v1.tar',
      ],
    );
    assert.is((await read(blob(manifest.config))).architecture, 'wasm');
    for (const layer of manifest.layers.slice(2)) unpack(await readFile(join(folder, blob(layer))), []);
    for (const [path, content] of CONTENT.files)
      assert.equal(new Uint8Array(await readFile(join(folder, path))), content, path);
  } finally {
    await rm(folder, { recursive: true });
  }
});

for (const [name, path] of [
  ['leaves the package', '../a'],
  ['is absolute', '/a'],
  ['has an empty name', 'a//b'],
  ['has a backslash', 'a\\b'],
  ['has a control character', 'a\nb'],
  ['has a long name', 'a'.repeat(256)],
] as const) {
  packages(`a path that ${name} is refused`, async () => {
    const error = await writePackage({ ...CONTENT, files: [[path, bytes('')]] }).catch((thrown: unknown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'package-invalid');
  });
}

packages('a path twice is refused', async () => {
  const error = await writePackage({
    ...CONTENT,
    files: [
      ['a', bytes('1')],
      ['a', bytes('2')],
    ],
  }).catch((thrown: unknown) => thrown);
  assert.match((error as Error).message, 'a path twice: "a"');
});

packages('headers and records that are damaged are told', () => {
  assert.is(parseTarHeader(new Uint8Array(512)), null);
  assert.match(String(parseTarHeader(new Uint8Array(512).fill(1))), 'checksum');
  for (const text of ['5 a=b\n', '7 a=b\n', 'x a=b\n', '6 a=b', '5 ab\n', '999999 a=b\n', '0 a=b\n', '-6 a=b\n']) {
    assert.type(parsePaxRecords(bytes(text)), 'string', text);
  }
  assert.equal([...(parsePaxRecords(bytes('6 a=b\n')) as Map<string, string>)], [['a', 'b']]);
});

packages.run();
