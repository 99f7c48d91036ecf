import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LateFiles, LateWriter } from '../../../runtime/agent/late-files.ts';
import { LatePlaces } from '../../../runtime/agent/late-places.ts';
import type { LateMessage } from '../../../runtime/agent/wire.ts';

const late = suite('late files');
const bytes = (text: string) => new TextEncoder().encode(text);

/** A file of one piece, an empty one, and one of two pieces. */
function written() {
  const files = new Uint8Array(new SharedArrayBuffer(12));
  const places = new LatePlaces([[4], [], [4, 2]]);
  return { files, places, writer: new LateWriter(files, 2, places) };
}

late('are where the load has room for them, and each piece is here when it is whole', () => {
  const { files, writer } = written();
  writer.begin({ late: 2, piece: 1 });
  writer.push(bytes('e'));
  assert.equal([...writer.words], [0, 0, 0]);
  writer.push(bytes('r'));
  assert.equal([...writer.words], [0, 0, 1]);
  writer.begin({ late: 0, piece: 0 });
  writer.push(bytes('late'));
  writer.begin({ late: 2, piece: 0 });
  writer.push(bytes('form'));
  assert.equal([...writer.words], [1, 1, 1]);
  assert.is(new TextDecoder().decode(files.slice()), '\0\0lateformer');
});

for (const [what, act] of [
  ['one that there is not', (writer: LateWriter) => writer.begin({ late: 3, piece: 0 })],
  ['a piece that there is not', (writer: LateWriter) => writer.begin({ late: 2, piece: 2 })],
  ['a piece of an empty one', (writer: LateWriter) => writer.begin({ late: 1, piece: 0 })],
  ['no number', (writer: LateWriter) => writer.begin({ late: Number.NaN, piece: 0 })],
  ['no number of a piece', (writer: LateWriter) => writer.begin({ late: 0, piece: 0.5 })],
  ['bytes of none', (writer: LateWriter) => writer.push(bytes('x'))],
  [
    'more bytes than it has',
    (writer: LateWriter) => {
      writer.begin({ late: 0, piece: 0 });
      writer.push(bytes('later'));
    },
  ],
  [
    'one before another is whole',
    (writer: LateWriter) => {
      writer.begin({ late: 0, piece: 0 });
      writer.begin({ late: 2, piece: 0 });
    },
  ],
] as const)
  late(`refuse ${what}`, () => {
    assert.throws(() => act(written().writer), /expected/);
  });

late('cost nobody a wait who reads what is here', () => {
  const { writer, places } = written();
  writer.begin({ late: 2, piece: 1 });
  writer.push(bytes('er'));
  const files = new LateFiles(writer.words, places, () => assert.unreachable('it is here'));
  files.arrive(2, 4, 6, () => assert.unreachable('it is here'));
  files.arrive(1, 0, 0, () => assert.unreachable('it is empty'));
});

late('are asked for by who waits, by the pieces that he reads and the first at the front, until these are here', () => {
  const { writer, places } = written();
  const wanted: LateMessage[] = [];
  let looks = 0;
  const files = new LateFiles(writer.words, places, (each) => wanted.push(each));
  files.arrive(2, 3, 5, () => {
    looks += 1;
    if (looks < 3) return;
    writer.begin({ late: 2, piece: looks === 3 ? 0 : 1 });
    writer.push(bytes(looks === 3 ? 'form' : 'er'));
  });
  const asked = [1, 0].map((piece) => ({ late: 2, piece }));
  assert.equal([wanted, looks], [asked, 4]);
});

late('are not waited for by whom is told to end', () => {
  const { writer, places } = written();
  const files = new LateFiles(writer.words, places, () => {});
  const check = () => {
    throw new Error('the invocation has ended');
  };
  assert.throws(() => files.arrive(0, 0, 1, check), 'the invocation has ended');
});

const PLACES = new LatePlaces([[3, 3, 1], [], [5]]);
for (const [file, start, end, expected] of [
  [0, 0, 1, [0, 1]],
  [0, 2, 4, [0, 2]],
  [0, 3, 6, [1, 2]],
  [0, 6, 7, [2, 3]],
  [0, 0, 7, [0, 3]],
  [2, 4, 5, [3, 4]],
] as const)
  late(`from ${start} to ${end} of file ${file} are in the pieces ${expected.join(' to before ')}`, () => {
    assert.equal(PLACES.covering(file, start, end), expected);
  });

late.run();
