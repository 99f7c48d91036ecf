import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layoutOf } from '../../../../guest-sdk/build/bindings/layout.ts';
import type { WitType } from '../../../../guest-sdk/protocol/index.ts';

const layout = suite('layouts');

const u8: WitType = { kind: 'u8' };
const u64: WitType = { kind: 'u64' };
for (const [what, type, [size, align]] of [
  ['a byte', u8, [1, 1]],
  ['a string', { kind: 'string' }, [8, 4]],
  ['an option', { kind: 'option', some: u64 }, [16, 8]],
  ['a result without payloads', { kind: 'result', ok: null, err: null }, [1, 1]],
  ['a tuple', { kind: 'tuple', elements: [u8, u64, u8] }, [24, 8]],
  ['many flags', { kind: 'flags', names: Array.from({ length: 17 }, (_, at) => `f${at}`) }, [4, 4]],
] as const) {
  layout(`lay ${what} as the canonical ABI does`, () => assert.equal(layoutOf(type), { size, align }));
}

layout.run();
