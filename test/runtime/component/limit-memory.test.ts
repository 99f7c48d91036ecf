import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../../../runtime/component/artifact.ts';
import { limitMemory } from '../../../runtime/component/limit-memory.ts';
import { readModuleShape } from '../../../runtime/component/rewrite/module-shape.ts';
import { transpile } from '../../../runtime/component/transpile.ts';
import { guest } from '../../support/guest.ts';
import { wat } from '../../support/wat.ts';

const limit = suite('the memory of a component');

const made = (bytes: Uint8Array) => transpile(bytes, digestOfHex('0'.repeat(64)));
const refusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof CloudletError && error.code === 'component-refused' && pattern.test(error.message);

/** A component must have something to call. */
const EXPORT =
  '(core module $f (func (export "f"))) (core instance $g (instantiate $f)) (func (export "f") (canon lift (core func $g "f")))';

/** Pages that each instance of a module that has memories may have, once for each instance. */
function maxima({ manifest, modules }: Artifact): (number | null)[] {
  return modules.flatMap(({ bytes }, at) =>
    readModuleShape(bytes).memories.flatMap(({ maximum }) =>
      Array<number | null>(manifest.modules[at]!.instances).fill(maximum),
    ),
  );
}

limit('is divided among all instances of its modules', async () => {
  const artifact = await made(await readFile(await guest('crowd')));
  assert.equal(
    artifact.manifest.modules.map(({ instances, memoryPages, tableElements }) => [
      instances,
      memoryPages,
      tableElements,
    ]),
    [
      [4, 1, 1],
      [1, 0, 0],
    ],
  );
  assert.equal(maxima(limitMemory(artifact, 64)), [256, 256, 256, 256]);
  assert.equal(maxima(limitMemory(artifact, 1)), [4, 4, 4, 4]);
  assert.throws(() => limitMemory(artifact, 0), refusal(/raise "memoryMib"/));
});

limit('goes to the only memory that can grow', async () => {
  const artifact = await made(
    await wat(
      `(component ${EXPORT} (core module $m (memory 2 2)) (core module $n (memory 1)) (core instance (instantiate $m)) (core instance (instantiate $n)))`,
    ),
  );
  assert.equal(maxima(limitMemory(artifact, 1)), [2, 14]);
});

for (const [what, text, pattern] of [
  [
    'with more core instances than an agent can make',
    `(component ${EXPORT} (component $c (core module $m) ${'(core instance (instantiate $m))'.repeat(100)}) ${'(instance (instantiate $c))'.repeat(11)})`,
    /1000 instances of core modules, got 1101/,
  ],
  [
    'whose tables are small, and too large together',
    `(component ${EXPORT} (core module $m (table 300000 funcref)) ${'(core instance (instantiate $m))'.repeat(4)})`,
    /1000000 elements together, got 1200000/,
  ],
] as const) {
  limit(`is refused to one ${what}`, async () => {
    await made(await wat(text)).then(
      () => assert.unreachable(),
      (error) => assert.ok(refusal(pattern)(error), String(error)),
    );
  });
}

limit.run();
