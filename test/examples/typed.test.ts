import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../support/built-function.ts';

const FOLDER = fileURLToPath(new URL('../../examples/typed/', import.meta.url));

interface Case {
  readonly call: string;
  readonly arguments: readonly unknown[];
  readonly answer: unknown;
}

const cases: readonly Case[] = JSON.parse(await readFile(`${FOLDER}cases.json`, 'utf8'));

const typed = suite('the example "typed"');
let fn: BuiltFunction;

typed.before(async () => {
  fn = await BuiltFunction.open(FOLDER);
});
typed.after(() => fn.close());

typed('has a case for every function that it exports', () => {
  const called = new Set(cases.map((each) => each.call));
  assert.equal([...called].sort(), [...fn.exports].sort());
});

for (const { call, arguments: args, answer } of cases) {
  const text = JSON.stringify(args);
  typed(`${call} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`, async () => {
    assert.equal(await fn.call(call, ...args), answer);
  });
}

for (const [call, args, words] of [
  ['divide', [1], /an array of 2 arguments/],
  ['values.u8-back', [256], /expected u8, got 256/],
  ['values.s64-back', ['9223372036854775808'], /expected s64/],
  ['values.color-back', ['pink'], /\$\[0\]/],
] as const) {
  typed(`${call} ${JSON.stringify(args)} is refused before it is called`, async () => {
    const error = await fn.call(call, ...args).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as CloudletError,
    );
    assert.is(error?.code, 'argument-invalid');
    assert.match(error?.message ?? '', words);
  });
}

typed.run();
