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
    const { bytes, frames } = plain ? { bytes: joinPieces(tar), frames: [] } : await compressLayer(tar);
    const index = parseLayerIndex((await formatLayerIndex(files, frames))!);
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

arrivals('that somebody waits for come before others, by what they consist of alone', async () => {
  const { layers, body } = await layered();
  const asked: { urgent: boolean; start: number }[] = [];
  const never = new Promise<Uint8Array>(() => {});
  const arrival = Arrival.begin('f', layers, START, (start, end, urgent) => {
    asked.push({ urgent, start });
    return urgent ? Promise.resolve(body.subarray(start, end)) : never;
  })!;
  const three = arrival.files.get('a/three')!;
  three.want();
  three.want();
  assert.equal(Buffer.compare(await three.whenHere, FIRST[3]![1]), 0);
  assert.equal(
    asked.filter(({ urgent }) => !urgent).map(({ start }) => start),
    [START],
  );
  assert.ok(asked.filter(({ urgent }) => urgent).every(({ start }) => start > START));
  assert.is(arrival.files.get('a/one')!.here, null);
});

arrivals('that are not what their digest says are nobody’s, and no other is', async () => {
  const { layers, body } = await layered(true);
  body[START + 512 + 7]! ^= 1;
  const arrival = Arrival.begin('f', layers, START, async (start, end) => body.subarray(start, end))!;
  const failure = (await arrival.whole.catch((error: unknown) => error)) as CloudletError;
  assert.is(failure.code, 'package-invalid');
  assert.match(failure.message, '"a/one"');
  assert.is(await arrival.files.get('b/four')!.whenHere.catch((error: unknown) => error), failure);
});

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

arrivals('of an index that lies about its pieces are refused', async () => {
  const { layers, body } = await layered();
  const index = layers[0]!.index!;
  const frames = index.frames.map(([bytes, expanded], at) => [bytes, at === 0 ? expanded - 1 : expanded] as const);
  const arrival = Arrival.begin('f', [{ ...layers[0]!, index: { ...index, frames } }], START, async (start, end) =>
    body.subarray(start, end),
  )!;
  assert.is(((await arrival.whole.catch((error: unknown) => error)) as CloudletError).code, 'package-invalid');
});

arrivals.run();
