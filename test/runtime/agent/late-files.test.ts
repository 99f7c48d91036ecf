import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LateFiles, LateWriter } from '../../../runtime/agent/late-files.ts';

const late = suite('late files');
const bytes = (text: string) => new TextEncoder().encode(text);

function written() {
  const files = new Uint8Array(new SharedArrayBuffer(12));
  return { files, writer: new LateWriter(files, 2, [4, 0, 6]) };
}

late('are where the load has room for them, and here when they are whole', () => {
  const { files, writer } = written();
  writer.begin({ late: 2 });
  writer.push(bytes('for'));
  assert.equal([...writer.words], [0, 0, 0]);
  writer.push(bytes('mer'));
  assert.equal([...writer.words], [0, 0, 1]);
  writer.begin({ late: 1 });
  writer.begin({ late: 0 });
  writer.push(bytes('late'));
  assert.equal([...writer.words], [1, 1, 1]);
  assert.is(new TextDecoder().decode(files.slice()), '\0\0lateformer');
});

for (const [what, act] of [
  ['one that there is not', (writer: LateWriter) => writer.begin({ late: 3 })],
  ['no number', (writer: LateWriter) => writer.begin({ late: Number.NaN })],
  ['bytes of none', (writer: LateWriter) => writer.push(bytes('x'))],
  [
    'more bytes than it has',
    (writer: LateWriter) => {
      writer.begin({ late: 0 });
      writer.push(bytes('later'));
    },
  ],
  [
    'one before another is whole',
    (writer: LateWriter) => {
      writer.begin({ late: 0 });
      writer.begin({ late: 2 });
    },
  ],
] as const)
  late(`refuse ${what}`, () => {
    assert.throws(() => act(written().writer), /expected/);
  });

late('cost nobody a wait who reads one that is here', () => {
  const { writer } = written();
  writer.begin({ late: 1 });
  const files = new LateFiles(writer.words, () => assert.unreachable('it is here'));
  files.arrive(1, () => assert.unreachable('it is here'));
});

late('are asked for by who waits, until they are here', () => {
  const { writer } = written();
  const wanted: number[] = [];
  let looks = 0;
  new LateFiles(writer.words, (each) => wanted.push(each)).arrive(0, () => {
    looks += 1;
    if (looks < 3) return;
    writer.begin({ late: 0 });
    writer.push(bytes('late'));
  });
  assert.equal([wanted, looks], [[0], 3]);
});

late('are not waited for by whom is told to end', () => {
  const files = new LateFiles(written().writer.words, () => {});
  const check = () => {
    throw new Error('the invocation has ended');
  };
  assert.throws(() => files.arrive(0, check), 'the invocation has ended');
});

late.run();
