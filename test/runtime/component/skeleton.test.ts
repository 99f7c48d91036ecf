import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import { changeModules } from '../../../runtime/component/binary/nested-modules.ts';
import { withMemoryImage } from '../../../runtime/component/rewrite/memory-image.ts';
import { artifactAlike, skeletonOf } from '../../../runtime/component/skeleton.ts';
import { transpile } from '../../../runtime/component/transpile.ts';
import { wat } from '../../support/wat.ts';

const skeleton = suite('a skeleton');

/** A component whose function gives the byte that its memory has at 8. */
const component = (data: string, constant = '8') =>
  wat(`(component
    (core module $m
      (memory (export "memory") 1)
      (func (export "at") (result i32) (i32.load8_u (i32.const ${constant})))
      (data (i32.const 8) "${data}"))
    (core instance $i (instantiate $m))
    (func (export "at") (result u8) (canon lift (core func $i "at"))))`);

const DIGESTS = ['a', 'b'].map((digit) => digestOfHex(digit.repeat(64)));

skeleton('is that of every component that differs in its memory alone', async () => {
  const [one, other, code] = await Promise.all([component('a'), component('bcd'), component('a', '9')]);
  const [first, second, third] = [one, other, code].map((bytes) => skeletonOf(bytes));
  assert.is(first!.key, second!.key);
  assert.not.equal(first!.memories, second!.memories);
  assert.is.not(first!.key, third!.key);
});

skeleton('gives the same artifact as a translation does', async () => {
  const [one, other] = await Promise.all([component('a'), component('bcd')]);
  const base = await transpile(one, DIGESTS[0]!);
  const alike = artifactAlike(base, skeletonOf(one).memories, skeletonOf(other), DIGESTS[1]!);
  assert.equal(alike, await transpile(other, DIGESTS[1]!));
});

skeleton('gives none when its modules do not come out alike', async () => {
  const [one, other, code] = await Promise.all([component('a'), component('bcd'), component('a', '9')]);
  const base = await transpile(code, DIGESTS[0]!);
  assert.is(artifactAlike(base, skeletonOf(one).memories, skeletonOf(other), DIGESTS[1]!), null);
});

skeleton('refuses a memory that is none', async () => {
  const bytes = await component('a');
  // The end of the address of its data.
  const at = Buffer.from(bytes).indexOf(Uint8Array.of(0x41, 8, 0x0b, 1, 0x61));
  const torn = Uint8Array.from(bytes);
  torn[at + 2] = 0x6a;
  const base = await transpile(bytes, DIGESTS[0]!);
  assert.throws(
    () => artifactAlike(base, skeletonOf(bytes).memories, skeletonOf(torn), DIGESTS[1]!),
    /not valid|expected/,
  );
});

skeleton.run();

const image = suite('a memory image');

image('is what the module starts with, and nothing else of it changes', async () => {
  const bytes = await wat(`(module (memory (export "memory") 1 3) (global (export "g") i32 (i32.const 7))
    (data (i32.const 0) "old"))`);
  const memory = new Uint8Array(2 * 65_536);
  memory.set([1, 2, 0, 0, 3], 5);
  memory.set([4], memory.length - 1);
  const changed = withMemoryImage(bytes, memory);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(changed as Uint8Array<ArrayBuffer>));
  assert.equal(new Uint8Array((exports['memory'] as WebAssembly.Memory).buffer), memory);
  assert.is((exports['g'] as WebAssembly.Global).value, 7);
  assert.ok(changed.length < 200, `${changed.length} bytes`);
});

image('is refused by a module without a memory', async () => {
  const bytes = await wat('(module)');
  assert.throws(() => withMemoryImage(bytes, new Uint8Array(0)), /one memory, got 0/);
});

image.run();

const modules = suite('the modules of a component');

modules('are changed where they are, in components inside it too', async () => {
  const bytes = await wat(
    `(component (core module (memory 1)) (component (core module (memory 2)) (component (core module))))`,
  );
  const seen: number[] = [];
  assert.equal(
    changeModules(bytes, (module, at) => {
      seen.push(at, module.length);
      return null;
    }),
    bytes,
  );
  assert.equal(
    seen.filter((_, at) => at % 2 === 0),
    [0, 1, 2],
  );
  const empty = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const changed = changeModules(bytes, (_, at) => (at === 1 ? empty : null));
  assert.is(changed.length, bytes.length - 5);
  const lengths: number[] = [];
  changeModules(changed, (module) => {
    lengths.push(module.length);
    return null;
  });
  assert.equal(lengths, [13, 8, 8]);
});

modules('of bytes that are no component are refused', () => {
  for (const bytes of [[], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, 9]])
    assert.throws(() => changeModules(Uint8Array.from(bytes), () => null), /expected/);
});

modules.run();
