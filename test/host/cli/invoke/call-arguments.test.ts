import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseValue, readArguments } from '../../../../host/cli/invoke/call-arguments.ts';
import { UsageError } from '../../../../host/cli/usage-error.ts';

const callArguments = suite<{ folder: string }>('arguments of a typed call');

callArguments.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-arguments-'));
});
callArguments.after(({ folder }) => rm(folder, { recursive: true }));

const VALUES: readonly [text: string, value: unknown][] = [
  ['1', 1],
  ['-1.5e3', -1500],
  ['"text"', 'text'],
  ['null', null],
  ['{"a":[true]}', { a: [true] }],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', '9007199254740993'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['[18446744073709551615]', ['18446744073709551615']],
  ['1e300', 1e300],
];
for (const [text, value] of VALUES) {
  callArguments(`${text} is ${JSON.stringify(value)}`, () => assert.equal(parseValue(text, 'p'), value));
}

for (const text of ['', 'text', "'text'", '{', '01', 'NaN', '1,2']) {
  callArguments(`${JSON.stringify(text)} is no JSON, and the sentence says how it is written`, () => {
    assert.throws(
      () => parseValue(text, 'size'),
      (error: Error) => error instanceof UsageError && /expected JSON for size, got .*'"text"'/.test(error.message),
    );
  });
}

const target = {
  name: 'f',
  signature: 'f: func(image: list<u8>, crop: option<u32>)',
  interface: null,
  params: [
    { name: 'image', type: 'list<u8>' },
    { name: 'crop', type: 'option<u32>' },
  ],
  result: null,
};

callArguments('a file gives its bytes to a list<u8>, and JSON to anything else', async ({ folder }) => {
  await writeFile(join(folder, 'bytes'), Buffer.from([255, 0]));
  await writeFile(join(folder, 'number'), '7\n');
  assert.equal(await readArguments(target, [`@${folder}/bytes`, `@${folder}/number`], undefined), ['/wA=', 7]);
});

callArguments('an array in a file is all arguments', async ({ folder }) => {
  await writeFile(join(folder, 'all'), '["", null]');
  assert.equal(await readArguments(target, [], join(folder, 'all')), ['', null]);
});

const WRONG: readonly [what: string, words: string[], input: string | undefined, sentence: RegExp][] = [
  ['too few', ['""'], undefined, /expected 2 arguments for f: func\(.*, got 1/],
  ['too many', ['""', '1', '2'], undefined, /got 3/],
  ['words and --input', ['""', '1'], 'x', /either as words or with --input/],
  ['a file that is not there', ['@no-such-file', '1'], undefined, /no-such-file cannot be read \(ENOENT\)/],
  ['a folder', ['@.', '1'], undefined, /\(EISDIR\)/],
];
for (const [what, words, input, sentence] of WRONG) {
  callArguments(`${what}: wrong use`, async () => {
    const error = await readArguments(target, words, input).catch((thrown: unknown) => thrown);
    assert.instance(error, UsageError);
    assert.match((error as UsageError).message, sentence);
  });
}

callArguments('one argument is not called arguments', async () => {
  const error = await readArguments({ ...target, params: target.params.slice(0, 1) }, [], undefined).catch(
    (thrown: Error) => thrown,
  );
  assert.match((error as Error).message, /expected 1 argument for f: /);
});

callArguments('an input that is no array is wrong use', async ({ folder }) => {
  await writeFile(join(folder, 'object'), '{}');
  const error = await readArguments(target, [], join(folder, 'object')).catch((thrown: Error) => thrown);
  assert.match((error as Error).message, /expected a JSON array of all arguments/);
});

callArguments.run();
