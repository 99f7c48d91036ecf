import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import { type Artifact, ArtifactCache } from '../../../runtime/component/index.ts';

const test = suite('the cache of artifacts');
const DIGEST = digestOfHex('a'.repeat(64));
const TOOLS = 'tools 1';
const ARTIFACT: Artifact = {
  manifest: {
    format: 1,
    component: DIGEST,
    tools: TOOLS,
    doors: ['call', 'run'],
    asynchronous: false,
    imports: ['wasi:io/streams@0.2.3'],
    functions: [
      {
        wit: {
          name: 'shapes.area',
          interface: 'a:b/shapes@1.0.0',
          function: 'area',
          params: [
            {
              name: 's',
              type: {
                kind: 'variant',
                cases: [
                  { name: 'circle', type: { kind: 'f64' } },
                  { name: 'none', type: null },
                ],
              },
            },
            { name: 'o', type: { kind: 'option', some: { kind: 'list', element: { kind: 'flags', names: ['x'] } } } },
          ],
          result: { kind: 'result', ok: { kind: 'tuple', elements: [{ kind: 'u64' }] }, err: null },
          async: false,
        },
        path: ['a:b/shapes@1.0.0', 'area'],
      },
    ],
    run: ['wasi:cli/run@0.2.3', 'run'],
    http: null,
    modules: [
      {
        name: 'component.core.wasm',
        metered: true,
        startExported: false,
        instances: 1,
        tableElements: 4,
        memoryPages: 2,
        mutatesTables: false,
        dropsSegments: false,
        growsMemory: true,
        resettable: true,
      },
    ],
  },
  glue: 'export const instantiate = null; // é',
  modules: [{ name: 'component.core.wasm', bytes: Uint8Array.of(1, 2, 3) }],
};

let directory = '';
test.before.each(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-artifacts-'));
});
test.after.each(() => rm(directory, { recursive: true, force: true }));

const plain = (artifact: Artifact | null): unknown =>
  artifact && { ...artifact, modules: artifact.modules.map(({ name, bytes }) => ({ name, bytes: [...bytes] })) };

test('what was saved is loaded', async () => {
  const cache = new ArtifactCache(directory, TOOLS);
  assert.is(await cache.load(DIGEST), null);
  await cache.save(ARTIFACT);
  await cache.save(ARTIFACT);
  assert.equal(plain(await new ArtifactCache(directory, TOOLS).load(DIGEST)), plain(ARTIFACT));
  assert.is((await readdir(directory)).length, 1);
});

test('other tools see another cache', async () => {
  await new ArtifactCache(directory, TOOLS).save(ARTIFACT);
  assert.is(await new ArtifactCache(directory, 'tools 2').load(DIGEST), null);
});

test('what is removed is gone', async () => {
  const cache = new ArtifactCache(directory, TOOLS);
  await cache.save(ARTIFACT);
  await cache.remove(DIGEST);
  await cache.remove(DIGEST);
  assert.equal(await readdir(directory), []);
});

for (const file of ['manifest.json', 'glue.js', 'component.core.wasm', 'digests.json'])
  for (const [damage, harm] of [
    ['cut off', (path: string) => truncate(path, 1)],
    [
      'changed',
      async (path: string) => {
        const bytes = await readFile(path);
        bytes[bytes.length - 2] = bytes[bytes.length - 2]! ^ 1;
        await writeFile(path, bytes);
      },
    ],
    ['gone', (path: string) => rm(path)],
  ] as const)
    test(`an artifact whose ${file} is ${damage} counts as none, and can be saved again`, async () => {
      const cache = new ArtifactCache(directory, TOOLS);
      await cache.save(ARTIFACT);
      const [folder] = await readdir(directory);
      await harm(join(directory, folder!, file));
      assert.is(await cache.load(DIGEST), null);
      await cache.save(ARTIFACT);
      assert.equal(plain(await cache.load(DIGEST)), plain(ARTIFACT));
    });

test.run();
