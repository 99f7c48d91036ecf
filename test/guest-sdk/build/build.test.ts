// end to end
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuildProgress, build, missingTools } from '../../../guest-sdk/build/index.ts';
import { type CloudletError, isErrorCode } from '../../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../../../runtime/index.ts';

const building = suite('a build');
let folder = '';

building.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-build-'));
});
building.after.each(() => rm(folder, { recursive: true }));

/** Writes a project and gives its folder. */
const write = async (files: Record<string, unknown>) => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
};

const failure = async (files: Record<string, unknown>): Promise<CloudletError> => {
  const error = await build(await write(files)).then(
    () => assert.unreachable('expected a failure'),
    (thrown: unknown) => thrown as CloudletError,
  );
  if (!isErrorCode(String(error?.code))) throw error;
  return error as CloudletError;
};

const HTTP = { name: 'x', entry: 'f.ts', kind: 'http' };
const COMMAND = { 'cloudlet.json': { name: 'x', entry: 'main.c' }, 'main.c': 'int main(void) { return 0; }\n' };
const WORLD =
  'package a:b; world w { export greet: func(name: string) -> string; export add: func(a: u32, b: u32) -> u32; }';
const typed = (entry: string, source: string, world = WORLD) => ({
  'cloudlet.json': { name: 'x', entry, wit: 'world.wit' },
  'world.wit': world,
  [entry]: source,
});

building('writes a component that says what it offers', async () => {
  const stages: string[] = [];
  const onProgress = (progress: BuildProgress) => {
    if (progress.kind === 'stage') stages.push(progress.stage);
  };
  const { component, sizeBytes, digest, project } = await build(await write(COMMAND), { onProgress });
  assert.is(component, join(folder, 'build', 'x.wasm'));
  assert.is((await stat(component)).size, sizeBytes);
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.is(project.kind, 'command');
  assert.equal(stages, ['check', 'compile', 'componentize', 'write']);
  assert.equal(inspectComponent(await readFile(component)).doors, ['run']);
  assert.equal(await readdir(join(folder, 'build')), ['x.wasm']);
});

building('that fails leaves the component of the last one, and nothing else', async () => {
  const { component } = await build(await write(COMMAND));
  const before = await readFile(component);
  assert.is((await failure({ 'main.c': 'int main(void) { return }' })).code, 'build-failed');
  assert.ok(before.equals(await readFile(component)));
  assert.equal(await readdir(join(folder, 'build')), ['x.wasm']);
});

building('stops when it is told to', async () => {
  const reason = new Error('enough');
  const stop = new AbortController();
  const onProgress = (progress: BuildProgress) => {
    if (progress.kind === 'stage' && progress.stage === 'compile') stop.abort(reason);
  };
  await build(await write(COMMAND), { onProgress, signal: stop.signal }).then(
    () => assert.unreachable(),
    (error: unknown) => assert.ok(error === reason || (error as Error).name === 'AbortError'),
  );
  assert.equal((await readdir(folder)).sort(), ['cloudlet.json', 'main.c']);
});

building("shows the C compiler's words", async () => {
  const { code, message } = await failure({ ...COMMAND, 'main.c': 'int main(void) { return nought; }' });
  assert.is(code, 'build-failed');
  assert.match(message, /main\.c:1:25: error: .*nought/);
});

building("shows the C compiler's warnings", async () => {
  const warnings: string[] = [];
  const onProgress = (progress: BuildProgress) => {
    if (progress.kind === 'warning') warnings.push(progress.text);
  };
  await build(await write({ ...COMMAND, 'main.c': 'int main(void) { int unused; return 0; }' }), { onProgress });
  assert.match(warnings.join(), /unused variable/);
});

building('names a C function that the world has and the source has not', async () => {
  const source = '#include "w.h"\nuint32_t w_add(uint32_t a, uint32_t b) { return a + b; }\n';
  assert.match((await failure(typed('f.c', source))).message, /undefined symbol: w_greet/);
});

building('refuses C functions with other types than the world has', async () => {
  const source = '#include "w.h"\nint w_add(char a) { return a; }\n';
  assert.match((await failure(typed('f.c', source))).message, /conflicting types for 'w_add'/);
});

building("shows the bundler's words", async () => {
  const project = {
    'cloudlet.json': { name: 'x', entry: 'f.ts' },
    'f.ts': "import x from './absent.ts';\nexport default x;",
  };
  const { code, message } = await failure(project);
  assert.is(code, 'build-failed');
  assert.match(message, /f\.ts:1:14/);
  assert.match(message, /absent\.ts/);
});

building('names a TypeScript function that the world has and the source has not', async () => {
  const { message } = await failure(typed('f.ts', 'export const greet = (name: string) => name;'));
  assert.is(
    message,
    'QuickJS cannot make a component of this: the entry must export add, for add: func(a: u32, b: u32) -> u32',
  );
});

building('gives an http function what its world imports', async () => {
  const world = 'package a:b; world w { import wasi:keyvalue/store@0.2.0-draft2; include wasi:http/proxy@0.2.12; }';
  const source =
    "import s from 'wasi:keyvalue/store@0.2.0-draft2'; export default { fetch: () => (s.open('x'), new Response()) };";
  const project = await write({ ...typed('f.ts', source, world), 'cloudlet.json': { ...HTTP, wit: 'world.wit' } });
  const { doors, imports } = inspectComponent(await readFile((await build(project)).component));
  assert.equal(doors, ['http']);
  assert.ok(imports.includes('wasi:keyvalue/store@0.2.0-draft2'), imports.join());
});

building('gives a C function what it names of the imports of its world', async () => {
  const world =
    'package a:b; world w { import wasi:random/random@0.2.12; import wasi:io/poll@0.2.12; export draw: func() -> u64; }';
  const source = `#include "w.h"
__attribute__((import_module("wasi:random/random@0.2.12"), import_name("get-random-u64"))) uint64_t random_u64(void);
uint64_t w_draw(void) { return random_u64(); }
`;
  const { imports, functions } = inspectComponent(
    await readFile((await build(await write(typed('f.c', source, world)))).component),
  );
  assert.equal(
    functions.map(({ name }) => name),
    ['draw'],
  );
  assert.ok(imports.includes('wasi:random/random@0.2.12'), imports.join());
  assert.not(imports.includes('wasi:io/poll@0.2.12'));
});

for (const [what, kind, world, words] of [
  ['an http function', 'http', WORLD, 'the world w of an http function may only import, and exports greet'],
  ['a typed function', 'typed', 'package a:b; world w {}', 'the world w exports no function; an http function'],
] as const) {
  building(`refuses ${what} with a world of the other kind`, async () => {
    const project = { ...typed('f.ts', '', world), 'cloudlet.json': { ...HTTP, kind, wit: 'world.wit' } };
    const { code, message } = await failure(project);
    assert.is(code, 'project-invalid');
    assert.ok(message.startsWith(words), message);
  });
}

building('refuses an http entry without fetch', async () => {
  const project = { 'cloudlet.json': { name: 'x', entry: 'f.ts' }, 'f.ts': 'export default {};' };
  assert.match((await failure(project)).message, 'a default export with a method fetch');
});

for (const type of ['u64', 's64', 'list<s64>', 'option<tuple<u8, u64>>', 'result<u64>', 'result<_, s64>']) {
  building(`refuses ${type} under QuickJS, naming the other backend`, async () => {
    for (const fn of [`func(x: ${type})`, `func() -> ${type}`]) {
      const world = `package a:b; world w { export f: ${fn}; }`;
      const { code, message } = await failure(typed('f.ts', 'export function f() {}', world));
      assert.is(code, 'unsupported-type');
      assert.match(message, /^f: func.*"backend": "starlingmonkey"/);
    }
  });
}

building('finds 64-bit integers behind names', async () => {
  const world = `package a:b;
interface i { record r { at: option<v> } variant v { none, some(t) } type t = u64; f: func(x: list<r>); }
world w { export i; }`;
  assert.match((await failure(typed('f.ts', 'export const i = { f() {} };', world))).message, /^i\.f: func/);
});

for (const [what, wit, words] of [
  [
    'a keyword as a name',
    'package a:b; world w { export f: func(from: u8); }',
    /world\.wit: expected an identifier .* keyword `from`/,
  ],
  ['an unknown type', 'package a:b; world w { export f: func(x: u33); }', /world\.wit: name `u33` does not exist/],
  ['an unknown package', 'package a:b; world w { import c:d/e; export f: func(); }', /package 'c:d' not found/],
] as const) {
  building(`says what is wrong with a world that has ${what}`, async () => {
    for (const entry of ['f.c', 'f.ts']) {
      const { code, message } = await failure(typed(entry, '', wit));
      assert.is(code, 'project-invalid');
      assert.match(message, words);
    }
  });
}

building('refuses resources in C functions, naming the function', async () => {
  const world = 'package a:b; interface i { resource r; f: func(x: r); } world w { export i; }';
  const { code, message } = await failure(typed('f.c', '', world));
  assert.is(code, 'unsupported-type');
  assert.match(message, /i\.f: func\(x: r\)/);
});

building('tells before it starts which tools are missing', async () => {
  assert.is(await missingTools(await write(COMMAND)), null);
  await write({ 'main.c': '#include <stb_no_such.h>\nint main(void) { return 0; }' });
  const sentence = (await missingTools(folder)) ?? '';
  assert.match(sentence, /^x needs stb_no_such\.h: run `apt-get install .*libstb-dev`/);
  const { code, message } = await failure({});
  assert.equal([code, message], ['tool-missing', sentence]);
  await write({ 'cloudlet.json': { name: 'x', entry: 'f.ts' }, 'f.ts': '' });
  assert.is(await missingTools(folder), null);
});

building.run();
