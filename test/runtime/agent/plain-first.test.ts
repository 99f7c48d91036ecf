import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PLAIN_IMPORT, type PlainFirst, plainFirst } from '../../../runtime/agent/plain-first.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';
import { wat } from '../../support/wat.ts';

/** Glue in the generator's form: one function that may wait, imported by a core module that calls it twice. */
const glueOf = (parameters: string, ...lines: readonly string[]): string =>
  [
    'export function instantiate(module, imports, asked) {',
    '  const got = [];',
    '  let gen = (function* init () {',
    `    const trampoline7 = new WebAssembly.Suspending(async function(${parameters}) {`,
    ...lines.map((line) => `      ${line}`),
    '    }',
    '    );',
    '    const { exports } = new WebAssembly.Instance(module, { host: { ask: trampoline7 } });',
    '    return { exports, got, };',
    '  })();',
    '  return gen.next().value;',
    '}',
  ].join('\n');

const READ = glueOf(
  'arg0, arg1, arg2',
  'let ret;',
  'try {',
  "  ret = { tag: 'ok', val: await rsc0.blockingRead(BigInt.asUintN(64, arg1))};",
  '} catch (e) {',
  "  ret = { tag: 'err', val: e };",
  '}',
  'got.push([arg0, arg2, ret.tag, ret.val]);',
).replace('  const got', '  const rsc0 = { blockingRead: asked };\n  const got');

interface Made {
  readonly exports: { twice(): void };
  readonly got: unknown[];
}

const TWICE = `(module
  (import "host" "ask" (func $ask (param i32 i64 i32)))
  (func (export "twice")
    (call $ask (i32.const 1) (i64.const 0x100000002) (i32.const 3))
    (call $ask (i32.const 4) (i64.const -1) (i32.const 6))))`;

async function made({ glue, calls }: PlainFirst, asked: (length: bigint) => unknown): Promise<Made> {
  const module = new WebAssembly.Module((await wat(TWICE)) as Uint8Array<ArrayBuffer>);
  const { instantiate } = (await import(`data:text/javascript,${encodeURIComponent(glue)}`)) as {
    instantiate(module: WebAssembly.Module, imports: object, asked: (length: bigint) => unknown): Made;
  };
  return instantiate(module, { [PLAIN_IMPORT]: calls }, asked);
}

const entered = (call: () => void): (() => Promise<void>) =>
  (WebAssembly as unknown as { promising(call: () => void): () => Promise<void> }).promising(call);

const first = suite('calls that go plainly first');

first('need nobody who could be suspended while there is nothing to wait for', async () => {
  const { exports, got } = await made(plainFirst(READ), (length) => length);
  exports.twice();
  assert.equal(got, [
    [1, 3, 'ok', 0x100000002n],
    [4, 6, 'ok', 2n ** 64n - 1n],
  ]);
});

first('suspend the guest when there is, each as often as it was called', async () => {
  const asked: bigint[] = [];
  const { exports, got } = await made(plainFirst(READ), (length) => {
    asked.push(length);
    return asked.length === 1 ? new Promise((resolve) => setImmediate(() => resolve('late'))) : 'at once';
  });
  await entered(exports.twice)();
  assert.equal(asked, [0x100000002n, 2n ** 64n - 1n]);
  assert.equal(got, [
    [1, 3, 'ok', 'late'],
    [4, 6, 'ok', 'at once'],
  ]);
});

first('tell what a wait failed with, and what a call failed with at once', async () => {
  let times = 0;
  const { exports, got } = await made(plainFirst(READ), () => {
    times += 1;
    if (times === 1) return Promise.reject('closed');
    throw 'closed now';
  });
  await entered(exports.twice)();
  assert.equal(got, [
    [1, 3, 'err', 'closed'],
    [4, 6, 'err', 'closed now'],
  ]);
});

first('fail where nobody can be suspended', async () => {
  const { exports } = await made(plainFirst(READ), () => Promise.resolve());
  assert.throws(() => exports.twice());
});

for (const [what, glue] of [
  ['another call', READ.replace('await rsc0.blockingRead', 'await rsc0.get')],
  ['other parameters', READ.replace('arg0, arg1, arg2', 'arg0, arg1, arg2, arg3')],
  ['two waits', READ.replace('let ret;', 'await rsc0.block();')],
  ['no wait', READ.replace('await rsc0', 'rsc0')],
  ['another generator', READ.replace('(function* init () {', '(function* () {')],
] as const) {
  first(`stay as they are with ${what}`, () => {
    const { glue: changed, calls } = plainFirst(glue);
    assert.is(changed, glue);
    assert.is(calls.size, 0);
  });
}

for (const [name, plain, waiting] of [
  ['cat', 3, 0],
  ['waits', 4, 0],
  ['http-c', 1, 0],
  ['hello-http', 11, 1],
  ['stores', 2, 32],
] as const) {
  first(`of ${name} are ${plain}, and ${waiting} are as they were`, async () => {
    const { glue, calls } = plainFirst((await artifactOf(name)).glue);
    assert.is(calls.size, plain);
    assert.is(glue.split('new WebAssembly.Suspending(').length - 1, waiting);
  });
}

first.run();
