import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withCustomSection } from '../../../runtime/component/binary/custom-section.ts';
import { engineImports } from '../../../runtime/component/index.ts';

const engines = suite('what engines import whatever their program does');

const COMPONENT = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
const HTTP = 'wasi:http/outgoing-handler@0.2.10';
const IMPORTS = ['wasi:http/types@0.2.10', HTTP, 'wasi:sockets/tcp-create-socket@0.2.10', 'wasi:keyvalue/store'];
const producers = (words: string) => withCustomSection(COMPONENT, 'producers', new TextEncoder().encode(words));

for (const [what, component, expected] of [
  ['StarlingMonkey', producers('\x01\x0cprocessed-by\x01\x0eComponentizeJS\x060.23.0'), [HTTP]],
  ['a linker', producers('\x01\x0cprocessed-by\x01\x0dwit-component\x070.259.0'), []],
  ['who says nothing', COMPONENT, []],
] as const)
  engines(`${what}: ${expected.join() || 'nothing'}`, () => assert.equal(engineImports(component, IMPORTS), expected));

engines.run();
