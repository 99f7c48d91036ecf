import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PartPacker } from '../../../../guest-sdk/client/deploy/packed-part.ts';
import { SeededRandom } from '../../../support/random.ts';

const packing = suite('parts on a slow link');

const TEXT = new TextEncoder().encode('one hop away '.repeat(1000));
const NOISE = new SeededRandom(7).bytes(10_000);

packing('go in gzip when that is shorter', async () => {
  const packer = new PartPacker();
  const { bytes, encoding } = await packer.pack(TEXT);
  assert.is(encoding, 'gzip');
  assert.ok(bytes.length < TEXT.length / 10);
  assert.is(Buffer.compare(gunzipSync(bytes), TEXT), 0);
  assert.equal(await packer.pack(NOISE), { bytes: NOISE, encoding: null });
  const short = TEXT.subarray(0, 100);
  assert.equal(await packer.pack(short), { bytes: short, encoding: null });
});

packing('are tried now and then when that is mostly in vain', async () => {
  const packer = new PartPacker();
  for (let times = 0; times < 4; times += 1) await packer.pack(NOISE);
  const encodings = [];
  for (let times = 0; times < 13; times += 1) encodings.push((await packer.pack(TEXT)).encoding);
  assert.equal(encodings.slice(0, 11), Array(11).fill(null));
  assert.equal(encodings.slice(11), ['gzip', 'gzip']);
});

packing('go as they are over a fast link, and to a cloudlet that takes no other', async () => {
  let now = 0;
  const fast = new PartPacker(() => now);
  now = 10;
  fast.sent(1_000_000);
  assert.is((await fast.pack(TEXT)).encoding, null);
  now = 1000;
  assert.is((await fast.pack(TEXT)).encoding, 'gzip');
  fast.refused();
  assert.is((await fast.pack(TEXT)).encoding, null);
});

packing.run();
