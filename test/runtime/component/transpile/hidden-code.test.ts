import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hideCode } from '../../../../runtime/component/transpile/hidden-code.ts';
import { refused } from '../../../support/refusal.ts';
import { wat } from '../../../support/wat.ts';

const hiding = suite('code that the generator is not shown');

const THROWS = `(core module $throws
  (tag $t (param i32))
  (func (export "f") (param i32) (result i32) (throw $t (local.get 0))))`;
const PLAIN = '(core module $plain (func (export "g") (result i32) (i32.const 7)))';
const start = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** The core modules of a component, in order. */
function modulesOf(component: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = Buffer.from(component).indexOf(start); at >= 0; at = Buffer.from(component).indexOf(start, at + 8)) {
    let length = 0;
    let head = at - 1;
    while (head > 0 && component[head - 1]! >= 0x80) head -= 1;
    for (let byte = head, shift = 0; byte < at; byte += 1, shift += 7) length += (component[byte]! & 0x7f) << shift;
    found.push(component.subarray(at, at + length));
  }
  return found;
}

hiding('is that of modules with exceptions alone, and comes back', async () => {
  const component = await wat(`(component ${THROWS} ${PLAIN} (component ${THROWS.replace('i32.const 7', '')}))`);
  const { component: shown, original } = hideCode(component);
  const [before, after] = [modulesOf(component), modulesOf(shown)];
  assert.is(before.length, 3);
  assert.is(after.length, 3);
  assert.equal(
    after.map((module, at) => Buffer.compare(module, before[at]!) === 0),
    [false, true, false],
  );
  for (const [at, module] of after.entries()) assert.equal(original(module), before[at]);
});

hiding('leaves types, imports and exports', async () => {
  const { component } = hideCode(await wat(`(component ${THROWS})`));
  const module = await WebAssembly.compile(Uint8Array.from(modulesOf(component)[0]!));
  assert.equal(WebAssembly.Module.exports(module), [{ name: 'f', kind: 'function' }]);
});

hiding('does nothing to a component without exceptions', async () => {
  const component = await wat(`(component ${PLAIN})`);
  assert.is(hideCode(component).component, component);
});

hiding('keeps its mark to itself', async () => {
  const component = await wat('(component (core module (@custom "cloudlet-hidden" "\\00")))');
  await refused(() => hideCode(component), 'component-refused', /reserved/);
});

hiding.run();
