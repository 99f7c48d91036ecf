import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestMemory } from '../../../../runtime/wasi/preview1/guest-memory.ts';

const memory = suite('the memory of a WASI 0.1 module');

/** Every way to touch it, each as the first after the memory grew. */
const WAYS: readonly (readonly [name: string, use: (guest: GuestMemory) => unknown, expected: unknown])[] = [
  ['u8', (guest) => guest.u8(65_536), 0],
  ['u16', (guest) => guest.u16(65_536), 0],
  ['u32', (guest) => guest.u32(65_536), 0],
  ['u64', (guest) => guest.u64(65_536), 0n],
  ['setU8', (guest) => guest.setU8(65_536, 1), undefined],
  ['setU16', (guest) => guest.setU16(65_536, 1), undefined],
  ['setU32', (guest) => guest.setU32(65_536, 1), undefined],
  ['setU64', (guest) => guest.setU64(65_536, 1n), undefined],
  ['bytes', (guest) => guest.bytes(65_536, 3), new Uint8Array(3)],
  ['text', (guest) => guest.text(65_536, 1), '\0'],
  ['set', (guest) => guest.set(65_536, Uint8Array.of(1)), undefined],
  ['pieces', (guest) => guest.pieces(65_536, 1), []],
  ['setTexts', (guest) => guest.setTexts(65_536, 65_600, ['a']), undefined],
];

for (const [name, use, expected] of WAYS) {
  memory(`${name} finds what has grown since the last use`, () => {
    const wasm = new WebAssembly.Memory({ initial: 1 });
    const guest = new GuestMemory(wasm);
    assert.throws(
      () => use(guest),
      (error: Error) => error.name === 'Preview1Error',
      name,
    );
    wasm.grow(1);
    assert.equal(use(guest), expected);
  });
}

memory.run();
