// time limit: 1200 s
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TemplateName } from '../../../guest-sdk/build/index.ts';
import { CliLab } from './cli-lab.ts';

const projects = suite('a project');
let lab: CliLab;

projects.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
});
projects.after(() => lab.close());

/** How a function of each template is called, with what it answers. */
const CALLS: Readonly<Record<TemplateName, { words: string[]; input?: string; answer: RegExp }>> = {
  'typescript-http': { words: ['/path'], answer: /^Hello from \/path\n$/ },
  'typescript-typed': { words: ['count-words', '"b a b"'], answer: /^\[\["b",2\],\["a",1\]\]\n$/ },
  'typescript-hono': { words: ['/hello/Ada'], answer: /^Hello, Ada!\n$/ },
  'javascript-http': { words: ['/?name=Ada'], answer: /^\{"hello":"Ada","path":"\/"\}$/ },
  'javascript-typed': { words: ['count-words', '"b a b"'], answer: /^\[\["b",2\],\["a",1\]\]\n$/ },
  'assemblyscript-typed': {
    words: ['histogram', '{"width": 1, "rgba": "/wAA/w=="}', '4'],
    answer: /^\[0,1,0,0\]\n$/,
  },
  'assemblyscript-http': { words: ['/hello?name=Ada'], answer: /^Hello, Ada!\n$/ },
  'assemblyscript-command': { words: ['--', 'median'], input: '3 1 2', answer: /^median 2\.0\n$/ },
  'c-command': { words: ['--', '--number'], input: 'x\ny\n', answer: /^1 x\n2 y\n$/ },
  'c-typed': { words: ['summarise', '[1, 2]'], answer: /^\{"ok":\{"count":2,"mean":1\.5,"largest":2\}\}\n$/ },
  'cpp-command': { words: [], input: 'to be or not to be', answer: /^2 be\n1 not\n1 or\n2 to\n$/ },
  'rust-command': { words: ['--', '2', '1'], input: 'a b c', answer: /^b a\n$/ },
  'rust-http': { words: ['/hello?Ada'], answer: /^Hello, Ada!\n$/ },
  'rust-typed': {
    words: ['merge', '[{"start": 1, "end": 4}, {"start": 3, "end": 6}]'],
    answer: /^\{"ok":\[\{"start":1,"end":6\}\]\}\n$/,
  },
  'cpp-typed': { words: ['groups', '["tea", "eat", "x"]'], answer: /^\{"ok":\[\["tea","eat"\]\]\}\n$/ },
};

for (const [template, { words, input, answer }] of Object.entries(CALLS)) {
  projects(`from the template ${template} is built, published and called as it stands`, async () => {
    const name = `my-${template}`;
    assert.is((await lab.run(['new', name, '--template', template])).status, 0);
    const built = await lab.run(['build', name, '--json']);
    assert.is(built.status, 0, built.errors);
    const { component, sizeBytes, digest } = JSON.parse(built.text);
    assert.is((await readFile(component)).length, sizeBytes);
    const tested = await lab.run(['test', name]);
    assert.match(tested.text, /\d passed, 0 failed\n$/, tested.text + tested.errors);
    const published = await lab.run(['publish', name, '--json']);
    assert.is(published.status, 0, published.errors);
    const { name: publishedName, version, digest: publishedDigest } = JSON.parse(published.text);
    assert.equal([publishedName, version], [name, 1]);
    assert.match(publishedDigest, /^sha256:/);
    assert.match(digest, /^sha256:/);
    const called = await lab.run(['invoke', name, ...words], input === undefined ? {} : { input });
    assert.is(called.status, 0, called.errors);
    assert.match(called.text, answer);
  });
}

projects('that does not compile says what the compiler says, and leaves no component', async () => {
  await lab.run(['new', 'broken', '--template', 'c-command']);
  await writeFile(join(lab.folder, 'broken', 'src', 'main.c'), 'int main(void) { return nothing; }\n');
  const { status, text, errors } = await lab.run(['build', 'broken']);
  assert.equal([status, text], [1, '']);
  assert.match(errors, /^cloudlet: /m);
  assert.match(errors, /undeclared identifier 'nothing'/);
});

projects.run();
