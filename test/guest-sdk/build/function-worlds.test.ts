import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentNew } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { embedWorld } from '../../../guest-sdk/build/encode.ts';
import { assembleWit, FUNCTION_WIT } from '../../../guest-sdk/build/wasi-wit.ts';
import { worldsOf } from '../../../guest-sdk/build/world.ts';
import { inspectComponent } from '../../../runtime/index.ts';
import { providesInterface } from '../../../runtime/wasi/index.ts';

const worlds = suite('cloudlet:function');
const text = await readFile(FUNCTION_WIT, 'utf8');
let folder = '';

worlds.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-worlds-'));
  const own = worldsOf(text).map(
    (name) => `world own-${name} { include cloudlet:function/${name}; export f: func(); }`,
  );
  await writeFile(join(folder, 'own.wit'), `package a:b;\n${own.join('\n')}\n`);
  await assembleWit(join(folder, 'own.wit'), join(folder, 'wit'));
});
worlds.after(() => rm(folder, { recursive: true }));

async function importsOf(world: string): Promise<readonly string[]> {
  const module = await embedWorld(null, { wit: join(folder, 'wit'), world: `own-${world}` });
  return inspectComponent(await componentNew(module, [])).imports;
}

for (const name of worldsOf(text))
  worlds(
    `a world may include ${name}, whose interfaces a sandbox provides and whose doc says what they are for`,
    async () => {
      const imports = await importsOf(name);
      assert.ok(imports.length > 0);
      assert.equal(
        imports.filter((each) => !providesInterface(each)),
        [],
      );
      assert.match(text, new RegExp(`^/// .+\nworld ${name} \\{`, 'm'));
    },
  );

worlds.run();
