import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeTrap } from '../../../runtime/agent/guest-failure.ts';

const trap = (message: string, stack: string) =>
  Object.assign(new Error(message), { stack: `RuntimeError: ${message}\n${stack}` });

const failure = suite('the description of a trap');

for (const [what, thrown, text] of [
  [
    'names the functions of the guest, innermost first',
    trap(
      'unreachable',
      '    at boom (wasm://wasm/m-0123:wasm-function[3]:0x45)\n    at wasm://wasm/m-0123:wasm-function[7]:0x99\n    at Object.run (cloudlet:component:10:5)',
    ),
    'the function trapped: unreachable (in boom < wasm-function[7])',
  ],
  [
    'shortens a long stack',
    trap('deep', '    at f (wasm://wasm/m:wasm-function[1]:0x1)\n'.repeat(50)),
    'the function trapped: deep (in f < f < f < f < f < f)',
  ],
  [
    'does without a stack',
    trap('Maximum call stack size exceeded', ''),
    'the function trapped: Maximum call stack size exceeded',
  ],
  ['shortens a message that the guest chose', trap('x'.repeat(2000), ''), `the function trapped: ${'x'.repeat(500)}`],
  ['takes a text', 'text', 'the function trapped: text'],
  ['takes anything', { toString: () => 'secret' }, 'the function trapped: a value that is no error'],
] as const) {
  failure(what, () => assert.is(describeTrap(thrown), text));
}

failure.run();
