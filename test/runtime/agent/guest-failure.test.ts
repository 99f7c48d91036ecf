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
    'counts a function that calls itself, and tells of eight at most',
    trap(
      'deep',
      `${'    at f (wasm://wasm/m:wasm-function[1]:0x1)\n'.repeat(50)}${[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `    at g${n} (wasm://wasm/m:wasm-function[2]:0x1)`).join('\n')}`,
    ),
    'the function trapped: deep (in f × 50 < g1 < g2 < g3 < g4 < g5 < g6 < g7)',
  ],
  [
    'says that the stack is full when its calls fill what is shown',
    trap('memory access out of bounds', '    at f (wasm://wasm/m:wasm-function[1]:0x1)\n'.repeat(64)),
    'the function trapped: memory access out of bounds; its calls are nested so deep that its stack is full (in f × 64)',
  ],
  [
    'begins below what only ends the program',
    trap(
      'unreachable',
      ['abort', '_RNvNtC3std7process5abort', '_RNvNtCs1_4core9panicking9panic_fmt', '_RNvCs2_4main4pick', 'main']
        .map((name) => `    at core.wasm.${name} (wasm://wasm/m:wasm-function[1]:0x1)`)
        .join('\n'),
    ),
    'the function trapped: unreachable (in main::pick < main)',
  ],
  [
    'tells of these where there is nothing else',
    trap('unreachable', '    at core.wasm.abort (wasm://wasm/m:wasm-function[1]:0x1)'),
    'the function trapped: unreachable (in abort)',
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
