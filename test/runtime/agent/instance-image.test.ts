import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InstanceImage } from '../../../runtime/agent/instance-image.ts';
import { wat } from '../../support/wat.ts';

const PAGE = 64 * 1024;

const image = suite('an image of an instance');

image('puts back every byte that was written', () => {
  const memory = new WebAssembly.Memory({ initial: 3 });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(7, 100, 200);
  bytes.fill(9, PAGE - 1, PAGE + 1);
  const before = bytes.slice();
  const taken = InstanceImage.of([memory, memory]);
  for (let at = 0; at < bytes.length; at += 1021) bytes[at] = 0xa5;
  bytes.fill(1, 3 * PAGE - 5);
  bytes.fill(0, 100, 200);
  assert.is(taken.restore(), true);
  assert.is(Buffer.compare(bytes, before), 0);
});

for (const [type, first, other] of [
  ['i32', 7, -1],
  ['i64', -7n, 2n ** 40n],
  ['f32', 0.5, Number.NaN],
  ['f64', -0, 0],
] as const) {
  image(`puts back a global of type ${type}`, () => {
    const global = new WebAssembly.Global({ value: type, mutable: true }, first);
    const taken = InstanceImage.of([global, () => {}, 'what else is exported']);
    global.value = other;
    assert.is(taken.restore(), true);
    assert.ok(Object.is(global.value, first));
  });
}

for (const [type, bits] of [
  ['f32', 'i32'],
  ['f64', 'i64'],
] as const) {
  image(`puts back the bits of a NaN in a global of type ${type}, which JavaScript cannot tell apart`, async () => {
    const module = await wat(`(module
      (global $g (export "g") (mut ${type}) (${type}.const nan))
      (func (export "write") (global.set $g (${type}.const nan:0x2ecde7)))
      (func (export "read") (result ${bits}) (${bits}.reinterpret_${type} (global.get $g))))`);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
    const { g, write, read } = exports as { g: WebAssembly.Global; write(): void; read(): unknown };
    const taken = InstanceImage.of([g]);
    const before = read();
    write();
    assert.is.not(read(), before);
    taken.restore();
    assert.is(read(), before);
  });
}

image('lets constants and references be', () => {
  const constant = new WebAssembly.Global({ value: 'i32', mutable: false }, 7);
  const reference = new WebAssembly.Global({ value: 'externref', mutable: true }, 'first');
  const taken = InstanceImage.of([constant, reference]);
  reference.value = 'other';
  assert.is(taken.restore(), true);
  assert.is(reference.value, 'other');
});

image('cannot make a memory smaller', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const taken = InstanceImage.of([memory]);
  memory.grow(1);
  assert.is(taken.restore(), false);
});

image.run();
