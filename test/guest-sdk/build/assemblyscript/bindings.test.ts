// end to end
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateAssemblyScript } from '../../../../guest-sdk/build/assemblyscript/bindings.ts';
import { renameExports } from '../../../../guest-sdk/build/assemblyscript/export-names.ts';
import { build } from '../../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { tryEchoes } from '../../../support/echo-world.ts';
import { wat } from '../../../support/wat.ts';

const bindings = suite('AssemblyScript bindings');

bindings('give exports any name', async () => {
  const module = await wat('(module (memory (export "memory") 1) (func (export "f")) (func (export "g")))');
  const renamed = renameExports(module, new Map([['f', `a:b/c#${'d'.repeat(200)}`]]));
  const names = WebAssembly.Module.exports(new WebAssembly.Module(new Uint8Array(renamed))).map((each) => each.name);
  assert.equal(names, ['memory', `a:b/c#${'d'.repeat(200)}`, 'g']);
});

bindings('carry random values of random types there and back', () =>
  tryEchoes(
    'f.ts',
    async (world) => {
      const { types, glue } = generateAssemblyScript({ name: 'w', ...world });
      const imports = /^import (\{.*\}) from/m.exec(glue)?.[1] ?? '';
      const functions = [...glue.matchAll(/const answer: (.*) = author\.i\.(echo\d+)\(p0\);$/gm)];
      const bodies = functions.map(
        ([, type, name]) => `  export function ${name}(value: ${type}): ${type} { return value; }\n`,
      );
      assert.ok(types.includes('export class Option'));
      return `import ${imports} from "w";\nexport namespace i {\n${bodies.join('')}}\n`;
    },
    { language: 'assemblyscript' },
  ),
);

for (const [what, source, words] of [
  ['does not compile', 'export function f(n: u32): u32 { return nought; }', /f\.ts|nought/],
  ['lacks a function', 'export function g(): void {}', /'f' does not exist|Cannot find name|has no exported member/],
  [
    'needs what no world has',
    'export function f(n: u32): u32 { return <u32>Date.now(); }',
    /import nothing.*env\.Date\.now; .*`now` of the module cloudlet/,
  ],
] as const) {
  bindings(`refuse a function that ${what}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-as-'));
    try {
      const project = { name: 'x', language: 'assemblyscript', entry: 'f.ts', wit: 'w.wit' };
      await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
      await writeFile(join(folder, 'w.wit'), 'package a:b; world w { export f: func(n: u32) -> u32; }');
      await writeFile(join(folder, 'f.ts'), source);
      const error = await build(folder).then(
        () => assert.unreachable(),
        (thrown: unknown) => thrown as CloudletError,
      );
      assert.is(error?.code, 'build-failed');
      assert.match(error?.message ?? '', words);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

bindings.run();
