import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Door, ExportInfo } from '../../../../guest-sdk/protocol/index.ts';
import { planInvocation } from '../../../../host/cli/invoke/plan.ts';
import { UsageError } from '../../../../host/cli/usage-error.ts';

const plans = suite('the plan of an invocation');

const exported = (name: string, ...params: string[]): ExportInfo => ({
  name,
  signature: `${name}: func(…)`,
  interface: null,
  params: params.map((type, i) => ({ name: `p${i}`, type })),
  result: null,
});
const add = exported('add', 's32', 's32');
const one = (doors: Door[], exports: ExportInfo[] = []) => ({ name: 'it', doors, exports });
const COMMAND = one(['run']);
const HTTP = one(['http']);
const TYPED = one(['call'], [add, exported('nothing')]);
const BOTH = one(['run', 'call'], [add]);

const PLANS: readonly [what: string, ...Parameters<typeof planInvocation>, expected: unknown][] = [
  ['a command alone', COMMAND, [], [], { kind: 'run', args: [] }],
  ['words behind --', COMMAND, [], ['a', '--b'], { kind: 'run', args: ['a', '--b'] }],
  ['an http function alone', HTTP, [], [], { kind: 'http', path: '/' }],
  ['a path', HTTP, ['/a?b=1'], [], { kind: 'http', path: '/a?b=1' }],
  ['an export', TYPED, ['add', '1', '2'], [], { kind: 'call', target: add, words: ['1', '2'] }],
  ['an export of a command', BOTH, ['add'], [], { kind: 'call', target: add, words: [] }],
  ['a command with exports alone', BOTH, [], [], { kind: 'run', args: [] }],
  ['the only export', one(['call'], [add]), [], [], { kind: 'call', target: add, words: [] }],
];
for (const [what, info, words, passedOn, expected] of PLANS) {
  plans(`${what} is ${(expected as { kind: string }).kind}`, () => {
    assert.equal(planInvocation(info, words, passedOn), expected);
  });
}

const REFUSALS: readonly [what: string, ...Parameters<typeof planInvocation>, sentence: RegExp][] = [
  ['no word for several exports', TYPED, [], [], /one of the exports of it:\n {2}add: .*\n {2}nothing: /],
  ['an unknown export', TYPED, ['sub'], [], /no export "sub"; it has\n {2}add/],
  ['an export of a command without any', COMMAND, ['add'], [], /use npx cloudlet invoke it \[-- ARGS…\]/],
  ['a path of a command', COMMAND, ['/'], [], /use npx cloudlet invoke it \[-- ARGS…\]/],
  ['words behind -- for http', HTTP, [], ['x'], /use npx cloudlet invoke it \[\/PATH\]/],
  ['words on both sides of --', COMMAND, ['x'], ['y'], /after "--" only, got "x"/],
  ['two paths', HTTP, ['/', '/b'], [], /one path, got "\/b"/],
];
for (const [what, info, words, passedOn, sentence] of REFUSALS) {
  plans(`${what} is wrong use`, () => {
    assert.throws(
      () => planInvocation(info, words, passedOn),
      (error: Error) => error instanceof UsageError && sentence.test(error.message),
    );
  });
}

plans.run();
