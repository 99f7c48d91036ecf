import { PassThrough } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askForTemplate, parseTemplate, templateList } from '../../../host/cli/template-choice.ts';
import { UsageError } from '../../../host/cli/usage-error.ts';

const choice = suite('the choice of a template');

/** Asks with all that a person types at hand, and gives what was chosen and written. */
const ask = async (typed: string) => {
  const input = new PassThrough();
  const output = new PassThrough();
  const chosen = askForTemplate({ input, output }, new AbortController().signal);
  // A line each, as a terminal gives them: what comes while nothing is asked is nobody's answer.
  const said: string[] = [];
  const answers = typed.split('\n');
  output.on('data', (text: Buffer) => {
    said.push(text.toString());
    if (!text.toString().includes('? ')) return;
    const answer = answers.shift();
    if (answer === undefined) input.end();
    else input.write(`${answer}\n`);
  });
  return { chosen: await chosen, said: said.join('') };
};

for (const [typed, expected] of [
  ['1', 'typescript-http'],
  [' c-typed ', 'c-typed'],
  ['0\nx\n2', 'typescript-typed'],
] as const) {
  choice(`is ${expected} for ${JSON.stringify(typed)}`, async () => {
    const { chosen, said } = await ask(typed);
    assert.is(chosen, expected);
    assert.match(said, /^ +1 typescript-http +answers HTTP requests, in TypeScript$/m);
    assert.is(said.split('expected a number or a name').length, typed.split('\n').length);
  });
}

choice('that does not come is wrong use', async () => {
  const error = await ask('x').then(
    () => assert.unreachable(),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UsageError);
  assert.match((error as Error).message, /expected --template .* got none/);
});

choice('in words is one of the list', () => {
  assert.is(parseTemplate('c-command'), 'c-command');
  assert.throws(() => parseTemplate('cobol'), /got "cobol"\n {2}typescript-http/);
  assert.match(templateList(), /^ {2}assemblyscript-typed +exports/m);
  assert.match(templateList(), /^ {2}cpp-typed +exports functions with types, in C\+\+$/m);
});

choice.run();
