import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../../../guest-sdk/build/compress-layer.ts';
import {
  type CloudletError,
  type DescribedLayer,
  formatLayerIndex,
  joinPieces,
  parseLayerIndex,
  type TarFile,
  tarPieces,
} from '../../../../guest-sdk/protocol/index.ts';
import { Arrival } from '../../../../runtime/provision/arrival/arrival.ts';
import type { ArrivingFile } from '../../../../runtime/provision/arrival/arriving-file.ts';
import type { RangeReader } from '../../../../runtime/provision/arrival/layer-reader.ts';
import { SeededRandom } from '../../../support/random.ts';
import { sha256 } from '../deployment/deployments-lab.ts';

const arrivals = suite('files on their way');
const START = 512;

const random = new SeededRandom(5);
const FIRST: TarFile[] = [
  ['a/one', random.bytes(600_000)],
  ['a/two', random.bytes(1000)],
  ['a/empty', new Uint8Array(0)],
  ['a/three', random.bytes(1_200_000)],
];
const SECOND: TarFile[] = [['b/four', random.bytes(5000)]];

/** Layers as they follow each other in the tar of a package, and that tar from `START` on. */
async function layered(plain = false) {
  const layers: DescribedLayer[] = [];
  const body: Uint8Array[] = [new Uint8Array(START)];
  for (const files of [FIRST, SECOND]) {
    const tar = tarPieces(files);
    const packed = plain ? { bytes: joinPieces(tar), frames: [] } : await compressLayer(tar);
    const { bytes } = packed;
    const index = parseLayerIndex((await formatLayerIndex(files, packed))!);
    const compression = plain ? 'none' : 'zstd';
    layers.push({ digest: sha256(bytes), sizeBytes: bytes.length, compression, index });
    body.push(bytes, new Uint8Array(Math.ceil(bytes.length / 512) * 512 - bytes.length + 512));
  }
  return { layers, body: Buffer.concat(body) };
}

for (const plain of [false, true])
  arrivals(`come whole and in order, ${plain ? 'not compressed' : 'compressed'}`, async () => {
    const { layers, body } = await layered(plain);
    const arrival = Arrival.begin('f', layers, START, async (start, end) => body.subarray(start, end))!;
    assert.is(arrival.files.get('a/three')?.length, 1_200_000);
    await arrival.whole;
    for (const [path, bytes] of [...FIRST, ...SECOND])
      assert.equal(Buffer.compare(arrival.files.get(path)!.here!, bytes), 0, path);
  });

/** What a file's pieces are together. */
const read = async (file: ArrivingFile): Promise<Buffer> =>
  Buffer.concat(await Promise.all(file.pieces.map((_, piece) => file.whenHere(piece))));

/** What a reader gives for what is wanted, and nothing for what comes in its turn. */
function wantedOnly(body: Uint8Array) {
  const asked: { urgent: boolean; start: number; end: number }[] = [];
  const never = new Promise<Uint8Array>(() => {});
  const reader: RangeReader = (start, end, urgent) => {
    asked.push({ urgent, start, end });
    return urgent ? Promise.resolve(body.subarray(start, end)) : never;
  };
  const wanted = () => asked.filter(({ urgent }) => urgent);
  return { asked, wanted, reader };
}

arrivals('that somebody waits for come before others, by the pieces alone that are waited for', async () => {
  const { layers, body } = await layered();
  const { asked, wanted, reader } = wantedOnly(body);
  const arrival = Arrival.begin('f', layers, START, reader)!;
  const three = arrival.files.get('a/three')!;
  assert.ok(three.pieces.length >= 4, `${three.pieces.length} pieces`);
  const last = three.pieces.length - 1;
  three.want(last);
  three.want(last);
  const bytes = await three.whenHere(last);
  assert.equal(Buffer.compare(bytes, FIRST[3]![1].subarray(-three.pieces[last]!)), 0);
  // What is behind it, too, which is the piece of the other layer: who reads it may read on.
  assert.equal(
    wanted().map(({ start, end }) => end - start),
    [layers[1]!.index!.frames[0]!.bytes, layers[0]!.index!.frames.at(-1)!.bytes],
  );
  assert.is(three.here, null);
  assert.is(asked[0]!.start, START);
  for (const piece of three.pieces.keys()) three.want(piece);
  assert.equal(Buffer.compare(await read(three), FIRST[3]![1]), 0);
  assert.equal(Buffer.compare(three.here!, FIRST[3]![1]), 0);
  assert.is(arrival.files.get('a/one')!.here, null);
});

arrivals('of an index without digests of pieces come file by file', async () => {
  const { layers, body } = await layered();
  const old = layers.map((layer) => {
    const frames = layer.index!.frames.map((frame) => ({ ...frame, digest: null }));
    return { ...layer, index: { ...layer.index!, frames } };
  });
  const arrival = Arrival.begin('f', old, START, wantedOnly(body).reader)!;
  const three = arrival.files.get('a/three')!;
  assert.equal(three.pieces, [1_200_000]);
  three.want(0);
  assert.equal(Buffer.compare(await three.whenHere(0), FIRST[3]![1]), 0);
  await Arrival.begin('f', old, START, async (start, end) => body.subarray(start, end))!.whole;
});

arrivals('that are not what their digest says are nobody’s, and no other is', async () => {
  const { layers, body } = await layered(true);
  body[START + 512 + 7]! ^= 1;
  const arrival = Arrival.begin('f', layers, START, async (start, end) => body.subarray(start, end))!;
  const failure = (await arrival.whole.catch((error: unknown) => error)) as CloudletError;
  assert.is(failure.code, 'package-invalid');
  assert.match(failure.message, '"a/one"');
  assert.is(
    await arrival.files
      .get('a/one')!
      .whenHere(0)
      .catch((error: unknown) => error),
    failure,
  );
});

arrivals('with a forged piece are refused, and it is given to nobody', async () => {
  const { layers, body } = await layered();
  const { frames } = layers[0]!.index!;
  // In the second piece, which a layer of random bytes has as they are.
  body[START + frames[0]!.bytes + 1000]! ^= 1;
  const { reader: prompt } = wantedOnly(body);
  const later = Promise.withResolvers<void>();
  const reader: RangeReader = async (start, end, urgent) => {
    if (start === START + frames[0]!.bytes) await later.promise;
    return await prompt(start, end, urgent);
  };
  const arrival = Arrival.begin('f', layers, START, reader)!;
  const one = arrival.files.get('a/one')!;
  one.want(0);
  assert.equal(Buffer.compare(await one.whenHere(0), FIRST[0]![1].subarray(0, one.pieces[0]!)), 0);
  later.resolve();
  const failure = (await one.whenHere(1).catch((error: unknown) => error)) as CloudletError;
  assert.is(failure.code, 'package-invalid');
  assert.match(failure.message, 'a piece at');
  assert.is(await arrival.whole.catch((error: unknown) => error), failure);
});

arrivals(
  'whose pieces are what they should be and the file is not are refused before its last piece is given',
  async () => {
    const { layers, body } = await layered();
    const index = layers[0]!.index!;
    const files = index.files.map((file) =>
      file.path === 'a/one' ? { ...file, digest: sha256(new Uint8Array(1)) } : file,
    );
    const reader: RangeReader = async (start, end) => body.subarray(start, end);
    const arrival = Arrival.begin('f', [{ ...layers[0]!, index: { ...index, files } }], START, reader)!;
    const failure = (await arrival.whole.catch((error: unknown) => error)) as CloudletError;
    assert.match(failure.message, /the file "a\/one" with digest .* pack it again/);
    const one = arrival.files.get('a/one')!;
    assert.is(await one.whenHere(one.pieces.length - 1).catch((error: unknown) => error), failure);
    assert.is(one.here, null);
  },
);

arrivals('that do not come say so, and what to do', async () => {
  const { layers } = await layered(true);
  const arrival = Arrival.begin('f', layers, START, () => Promise.reject(new Error('the device left')))!;
  const failure = (await arrival.whole.catch((error: unknown) => error)) as CloudletError;
  assert.is(failure.code, 'files-missing');
  assert.match(failure.message, /"f".*the device left; deploy it again/);
});

arrivals('of a layer that says not what is in it come not so', async () => {
  const { layers } = await layered(true);
  const read = () => Promise.reject(new Error('nobody asks'));
  assert.is(Arrival.begin('f', [layers[0]!, { ...layers[1]!, index: null }], START, read), null);
});

for (const [what, change] of [
  ['fewer bytes', -1],
  ['more bytes', 1],
] as const)
  arrivals(`of an index that says a piece expands to ${what} are refused`, async () => {
    const { layers, body } = await layered();
    const index = layers[0]!.index!;
    const frames = index.frames.map((frame, at) => {
      return at === 0 ? { ...frame, expandedBytes: frame.expandedBytes + change } : frame;
    });
    const begin = async () => {
      const reader: RangeReader = async (start, end) => body.subarray(start, end);
      await Arrival.begin('f', [{ ...layers[0]!, index: { ...index, frames } }], START, reader)!.whole;
    };
    assert.is(((await begin().catch((error: unknown) => error)) as CloudletError).code, 'package-invalid');
  });

arrivals('of an index with a file where no piece is are refused', async () => {
  const { layers } = await layered();
  const index = layers[0]!.index!;
  const files = index.files.map((file) => ({ ...file, at: 2 ** 39 }));
  const reader: RangeReader = () => Promise.reject(new Error('nobody asks'));
  assert.throws(
    () => Arrival.begin('f', [{ ...layers[0]!, index: { ...index, files } }], START, reader),
    (error: CloudletError) =>
      error.code === 'package-invalid' && /pieces with 600000 bytes of "a\/one"/.test(error.message),
  );
});

arrivals.run();
