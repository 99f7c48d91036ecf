import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase64, encodeBase64 } from '../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../support/built-function.ts';
import { type Image, readPng, writePng } from '../support/png.ts';
import { SeededRandom } from '../support/random.ts';

const FOLDER = fileURLToPath(new URL('../../examples/photo/', import.meta.url));
const PHOTO = await readFile(`${FOLDER}photo.jpg`);
const PHOTO_SIZE = [640, 427];

const photo = suite('the example "photo"');
let fn: BuiltFunction;

photo.before(async () => {
  fn = await BuiltFunction.open(FOLDER);
});
photo.after(() => fn.close());

/** Width and height of a JPEG, from its frame header. */
function jpegSize(bytes: Uint8Array): [number, number] {
  const jpeg = Buffer.from(bytes);
  assert.is(jpeg.readUInt16BE(0), 0xffd8);
  assert.is(jpeg.readUInt16BE(jpeg.length - 2), 0xffd9);
  for (let at = 2; ; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) return [jpeg.readUInt16BE(at + 7), jpeg.readUInt16BE(at + 5)];
  }
}

const run = async (args: readonly string[], input: Uint8Array): Promise<Uint8Array> => {
  const { status, stdout, stderr } = await fn.run(args, input);
  assert.equal([status, stderr], [0, '']);
  return stdout;
};

/** A picture with all there can be: every colour, and alpha from none to full. */
const random = new SeededRandom(7);
const noise: Image = {
  width: 97,
  height: 61,
  channels: 4,
  pixels: Uint8Array.from({ length: 97 * 61 * 4 }, (_, at) =>
    at % 4 === 3 ? random.pick([0, 128, 255, 255]) : random.below(256),
  ),
};

const toLinear = (v: number) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const toSrgb = (l: number) => Math.round(255 * (l <= 0.0031308 ? l * 12.92 : 1.055 * l ** (1 / 2.4) - 0.055));

/** The mean of the area that each new pixel covers, by summing sixteenths of pixels: another way to the same numbers. */
function shrink(image: Image, width: number): Image {
  const height = Math.round((image.height * width) / image.width);
  const FINE = 16;
  const pixels = new Uint8Array(width * height * 4);
  const [stepX, stepY] = [image.width / width, image.height / height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sums = [0, 0, 0, 0];
      const [nx, ny] = [Math.ceil(stepX * FINE), Math.ceil(stepY * FINE)];
      for (let j = 0; j < ny; j++) {
        for (let i = 0; i < nx; i++) {
          const from =
            Math.floor(y * stepY + ((j + 0.5) * stepY) / ny) * image.width +
            Math.floor(x * stepX + ((i + 0.5) * stepX) / nx);
          const alpha = image.pixels[from * 4 + 3]!;
          for (let c = 0; c < 3; c++) sums[c]! += alpha * toLinear(image.pixels[from * 4 + c]!);
          sums[3]! += alpha;
        }
      }
      const at = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) pixels[at + c] = sums[3] === 0 ? 0 : toSrgb(sums[c]! / sums[3]!);
      pixels[at + 3] = Math.round(sums[3]! / (nx * ny));
    }
  }
  return { width, height, channels: 4, pixels };
}

/** Sobel's operator over brightness, as the example's documentation describes it. */
function outlines(image: Image): Uint8Array {
  const clamp = (v: number, high: number) => Math.min(Math.max(v, 0), high);
  const grey = (x: number, y: number) => {
    const at = (clamp(y, image.height - 1) * image.width + clamp(x, image.width - 1)) * image.channels;
    const [r, g, b] = image.pixels.subarray(at, at + 3);
    return Math.floor((299 * r! + 587 * g! + 114 * b! + 500) / 1000);
  };
  return Uint8Array.from({ length: image.width * image.height }, (_, at) => {
    const [x, y] = [at % image.width, Math.floor(at / image.width)];
    let [across, down] = [0, 0];
    for (const d of [-1, 0, 1]) {
      const weight = d === 0 ? 2 : 1;
      across += weight * (grey(x + 1, y + d) - grey(x - 1, y + d));
      down += weight * (grey(x + d, y + 1) - grey(x + d, y - 1));
    }
    return Math.min(255, Math.round(Math.hypot(across, down) / 2));
  });
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  assert.is(a.length, b.length);
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at]!)), 0);
}

photo('offers both doors', () => assert.equal(fn.exports, ['thumbnail', 'edges']));

photo('makes a thumbnail of the photograph, with its proportions, as a JPEG', async () => {
  const small = await run(['thumbnail', '320'], PHOTO);
  assert.equal(jpegSize(small), [320, 214]);
  assert.ok(small.length > 2000 && small.length < PHOTO.length / 2);
});

photo('without arguments makes a thumbnail of 320 pixels', async () => {
  assert.equal(jpegSize(await run([], PHOTO)), [320, 214]);
});

photo('does not enlarge', async () => assert.equal(jpegSize(await run(['thumbnail', '5000'], PHOTO)), PHOTO_SIZE));

photo('finds the edges of the photograph: many dark pixels, some bright ones', async () => {
  const { width, height, channels, pixels } = readPng(await run(['edges'], PHOTO));
  assert.equal([width, height, channels], [...PHOTO_SIZE, 1]);
  const part = (test: (value: number) => boolean) => pixels.filter(test).length / pixels.length;
  assert.ok(part((value) => value < 16) > 0.7, 'a night sky is dark');
  assert.ok(part((value) => value > 128) > 0.01, 'towers have edges');
});

photo("keeps the photograph's shapes in its thumbnail", async () => {
  // The tower at the left edge is all struts, the sky above the rocket is empty: so are their edges, large and small.
  for (const image of [PHOTO, await run(['thumbnail', '320'], PHOTO)]) {
    const { width, height, pixels } = readPng(await run(['edges'], image));
    const mean = (left: number, right: number, top: number, bottom: number) => {
      let [sum, count] = [0, 0];
      for (let y = Math.floor(top * height); y < bottom * height; y++) {
        for (let x = Math.floor(left * width); x < right * width; x++)
          [sum, count] = [sum + pixels[y * width + x]!, count + 1];
      }
      return sum / count;
    };
    const tower = mean(0.02, 0.13, 0.1, 0.8);
    const sky = mean(0.4, 0.6, 0.02, 0.25);
    assert.ok(tower > 5 * sky, `tower ${tower}, sky ${sky}`);
  }
});

photo('shrinks a PNG as an independent implementation does', async () => {
  const small = readPng(await run(['thumbnail', '20'], writePng(noise)));
  const expected = shrink(noise, 20);
  assert.equal([small.width, small.height, small.channels], [20, expected.height, 4]);
  assert.ok(largestDifference(small.pixels, expected.pixels) <= 4);
});

photo('leaves a PNG that is small enough as it is', async () => {
  const same = readPng(await run(['thumbnail', '97'], writePng(noise)));
  assert.is(largestDifference(same.pixels, noise.pixels), 0);
});

photo('finds the edges of a PNG as an independent implementation does', async () => {
  const { pixels } = readPng(await run(['edges'], writePng(noise)));
  assert.ok(largestDifference(pixels, outlines(noise)) <= 1);
});

function held(orientation: number): Uint8Array {
  const entry = Buffer.from('4d4d002a00000008000101120003000000010000000000000000', 'hex');
  entry.writeUInt16BE(orientation, 18);
  const segment = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), entry]);
  const head = Buffer.from([0xff, 0xe1, 0, segment.length + 2]);
  return Buffer.concat([PHOTO.subarray(0, 2), head, segment, PHOTO.subarray(2)]);
}

photo('turns a photograph upright', async () => {
  const upright = readPng(await run(['edges'], PHOTO));
  const at = (image: Image, x: number, y: number) => image.pixels[y * image.width + x]!;
  const [w, h] = [640, 427];
  // Where the pixel that is seen at (x, y) was stored.
  const stored: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [w - 1 - x, y],
    3: (x, y) => [w - 1 - x, h - 1 - y],
    4: (x, y) => [x, h - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, h - 1 - x],
    7: (x, y) => [w - 1 - y, h - 1 - x],
    8: (x, y) => [w - 1 - y, x],
    9: (x, y) => [x, y],
  };
  for (const [orientation, where] of Object.entries(stored)) {
    const turned = readPng(await run(['edges'], held(Number(orientation))));
    assert.equal([turned.width, turned.height], ['5', '6', '7', '8'].includes(orientation) ? [h, w] : [w, h]);
    let largest = 0;
    for (let y = 1; y < turned.height - 1; y++) {
      for (let x = 1; x < turned.width - 1; x++) {
        largest = Math.max(largest, Math.abs(at(turned, x, y) - at(upright, ...where(x, y))));
      }
    }
    assert.ok(largest <= 1, `orientation ${orientation}: differs by ${largest}`);
  }
});

photo('gives the same through both doors', async () => {
  const image = encodeBase64(PHOTO);
  for (const [args, call, typedArgs] of [
    [['edges'], 'edges', [image]],
    [['thumbnail', '100'], 'thumbnail', [image, 100]],
  ] as const) {
    const answer = (await fn.call(call, ...typedArgs)) as { ok: string };
    assert.ok(Buffer.from(decodeBase64(answer.ok) ?? []).equals(Buffer.from(await run(args, PHOTO))));
  }
});

const huge = Buffer.from(writePng({ width: 1, height: 1, channels: 1, pixels: Uint8Array.of(0) }));
huge.writeUInt32BE(10_000, 16);
huge.writeUInt32BE(10_000, 20);

for (const [what, input, words] of [
  ['nothing', new Uint8Array(0), /expected a PNG or JPEG image, got nothing/],
  ['text', Buffer.from('hello'), /expected a PNG or JPEG image, got something else/],
  ['half a photograph', PHOTO.subarray(0, 20_000), /cannot be decoded \(.*\); expected a whole PNG or JPEG/],
  ['a picture too large to hold', huge, /at most 24 million pixels, got 10000 x 10000/],
] as const) {
  photo(`refuses ${what} with a sentence: exit status 1, or a typed error`, async () => {
    const { status, stdout, stderr } = await fn.run(['edges'], input);
    assert.equal([status, stdout.length], [1, 0]);
    assert.match(stderr, words);
    assert.match(((await fn.call('edges', encodeBase64(input))) as { err: string }).err, words);
  });
}

for (const args of [
  ['blur'],
  ['edges', '1'],
  ['thumbnail', '0'],
  ['thumbnail', '-5'],
  ['thumbnail', '5x'],
  ['thumbnail', '99999999999'],
]) {
  photo(`refuses the arguments ${args.join(' ')} with exit status 2`, async () => {
    const { status, stderr } = await fn.run(args, PHOTO);
    assert.is(status, 2);
    assert.match(stderr, /^photo: expected /);
  });
}

photo('refuses a width of 0 as a typed error', async () => {
  assert.equal(await fn.call('thumbnail', encodeBase64(PHOTO), 0), {
    err: 'expected a width of at least 1 pixel, got 0',
  });
});

photo('survives damaged photographs', async () => {
  const seed = Date.now() % 2 ** 32;
  const dice = new SeededRandom(seed);
  for (let round = 0; round < 25; round++) {
    const damaged = Uint8Array.from(PHOTO.subarray(0, dice.below(PHOTO.length)));
    for (let n = dice.below(30); n > 0; n--) damaged[dice.below(damaged.length)] = dice.below(256);
    const { status } = await fn.run(['thumbnail', '40'], damaged);
    assert.ok(status === 0 || status === 1, `SEED=${seed}: exit status ${status}`);
  }
});

photo.run();
