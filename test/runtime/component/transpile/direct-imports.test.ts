import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { callDirectly } from '../../../../runtime/component/transpile/direct-imports.ts';
import { generateGlue } from '../../../../runtime/component/transpile/generator.ts';
import { guest } from '../../../support/guest.ts';

const direct = suite('functions of the host that do not wait');

const { glue } = await generateGlue(await readFile(await guest('http-p3-c')), 'async', { imports: [], exports: [] });

direct('are called without a task, a subtask or a handle', () => {
  assert.not.match(glue, 'hostProvided = true');
  assert.not.match(glue, '_lowerImportBackwardsCompat.bind');
  assert.match(glue, /^ {4}let trampoline1 = _trampoline1;$/m);
  assert.match(glue, /const _trampoline1 = function\(\) \{\n {6}_checkMayLeave\(0\);/);
});

direct('tell who waits for the guest that one of them failed', () => {
  assert.match(glue, 'const failHostCall$ = (componentIdx, err) => {');
  assert.match(glue, /markTrapped\(err\);\s*failHostCall\$\(0, err\);\s*throw err;/);
});

for (const [what, text] of [
  ['that is asynchronous', '    const _trampoline1 = async function(arg0) {\n    }\n    _trampoline1.fnName = 1;\n'],
  [
    'of another form',
    '    const _trampoline1 = function(arg0) {\n      task.resolve([1]);\n    }\n    _trampoline1.fnName = 1;\n',
  ],
] as const)
  direct(`a function ${what} stays as it is`, () => assert.is(callDirectly(text), text));

direct.run();
