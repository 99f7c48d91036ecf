import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lendWrites } from '../../../runtime/agent/lent-writes.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';

const COPY = 'new Uint8Array(memory0.buffer.slice(ptr3, ptr3 + len3 * 1))';

/** A function as the generator writes it for a method that takes a list. */
const taking = (call: string): string =>
  [
    '(rsc0, memory0, ptr3, len3) => {',
    `  var result3 = ${COPY};`,
    '  let ret;',
    '  try {',
    `    ret = { tag: 'ok', val: ${call}};`,
    '  } catch (e) {',
    "    ret = { tag: 'err', val: e };",
    '  }',
    '  return ret;',
    '}',
  ].join('\n');

type Taking = (stream: object, memory: WebAssembly.Memory, at: number, length: number) => { val: unknown };
/** The function, which ends with its call. */
const evaluated = async (source: string): Promise<Taking> => {
  const address = `data:text/javascript,${encodeURIComponent(`export default ${source}`)}`;
  return ((await import(address)) as { default: Taking }).default;
};

const lent = suite('lent writes');

lent('are views of the memory for as long as the call', async () => {
  const write = await evaluated(lendWrites(taking('rsc0.write(result3)')));
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set([1, 2, 3, 4]);
  const { val } = write({ write: (bytes: Uint8Array) => [bytes.buffer === memory.buffer, [...bytes]] }, memory, 1, 2);
  assert.equal(val, [true, [2, 3]]);
});

for (const [at, length] of [
  [-1, 1],
  [0, -1],
  [65536, 1],
  [1, 65536],
] as const) {
  lent(`refuse ${length} bytes at ${at}`, async () => {
    const write = await evaluated(lendWrites(taking('rsc0.write(result3)')));
    const memory = new WebAssembly.Memory({ initial: 1 });
    assert.throws(
      () => write({ write: () => assert.unreachable() }, memory, at, length),
      (error: unknown) => error instanceof RangeError,
    );
  });
}

for (const call of ['rsc0.write(result3, BigInt.asUintN(64, arg3))', 'rsc0.append(a, result3)', 'rsc0.send(result3)']) {
  lent(`are not those of ${call}`, () => assert.is(lendWrites(taking(call)), taking(call)));
}

for (const [name, lists] of [
  ['cat', 2],
  ['files', 2],
  ['hello-http', 4],
] as const) {
  lent(`${name} has ${lists}`, async () => {
    const { glue } = await artifactOf(name);
    assert.is(lendWrites(glue).match(/var result\d+ = new Uint8Array\(memory\d+\.buffer, ptr/g)?.length ?? 0, lists);
  });
}

lent.run();
