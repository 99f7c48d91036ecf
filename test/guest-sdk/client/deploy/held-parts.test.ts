import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentOf, cutIntoParts } from '../../../../guest-sdk/client/index.ts';
import { digestOf, writePackage } from '../../../../guest-sdk/protocol/index.ts';
import { SeededRandom } from '../../../support/random.ts';

const held = suite('content that is cut into parts');
const random = new SeededRandom(5);
const COMPONENT = random.bytes(500_000);
const FILE = random.bytes(300_000);

async function whole(bytes: Uint8Array): Promise<Buffer> {
  const { parts, read } = await cutIntoParts(contentOf(bytes));
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const piece = await read(part.digest);
    assert.is(piece.length, part.bytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function packageWith(grant: object): Promise<Buffer> {
  return Buffer.concat((await writePackage({ component: COMPONENT, grant, files: [['data/x', FILE]] })).pieces);
}
for (const [what, bytes] of [
  ['nothing', new Uint8Array(0)],
  ['a byte', new Uint8Array(1)],
  ['a component', COMPONENT],
  ['a block that is nearly a tar', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(700)])],
] as const)
  held(`${what} is its parts in their order`, async () => assert.ok((await whole(bytes)).equals(bytes)));

held('the files of a package are cut by themselves', async () => {
  const [one, two] = [await packageWith({}), await packageWith({ environment: { A: 'b' } })];
  assert.ok((await whole(one)).equals(one));
  assert.ok((await whole(one.subarray(0, 400_000))).equals(one.subarray(0, 400_000)), 'also of a tar that is cut off');
  const parts = await Promise.all([one, two, COMPONENT].map((bytes) => cutIntoParts(contentOf(bytes))));
  const [first, second, component] = parts.map((each) => each.parts.map(({ digest }) => digest));
  assert.ok(component!.every((digest) => first!.includes(digest) && second!.includes(digest)));
});

held('content that changed meanwhile is not sent', async () => {
  const bytes = Uint8Array.from(COMPONENT);
  const { parts, read } = await cutIntoParts(contentOf(bytes));
  bytes[0]! ^= 1;
  const error = await read(parts[0]!.digest).catch((thrown: Error) => thrown);
  assert.match(String(error), /it changed/);
  const stranger = await read(await digestOf(new Uint8Array(9))).catch((thrown: Error) => thrown);
  assert.match(String(stranger), /at hand/);
});

held.run();
