import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readProject } from '../../../guest-sdk/build/index.ts';
import { nameWorld, worldsOf } from '../../../guest-sdk/build/world.ts';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const project = suite('a project file');
let folder = '';

project.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-project-'));
  await mkdir(join(folder, 'src'));
  for (const file of ['src/a.c', 'src/b.c', 'src/a.cpp', 'src/a.rs', 'Cargo.toml', 'src/a.ts', 'src/a.js', 'world.wit'])
    await writeFile(join(folder, file), '');
});
project.after(() => rm(folder, { recursive: true }));

const read = async (file: unknown) => {
  await writeFile(join(folder, 'cloudlet.json'), typeof file === 'string' ? file : JSON.stringify(file));
  return readProject(folder);
};

const failure = async (work: Promise<unknown>): Promise<CloudletError> => {
  const error = await work.then(
    () => assert.unreachable('expected a failure'),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  return error as CloudletError;
};

for (const [what, file, expected] of [
  ['a C file alone is a command', { name: 'x', entry: 'src/a.c' }, { language: 'c', kind: 'command', wit: null }],
  [
    'C with WIT is typed',
    { name: 'x', entry: ['src/a.c', 'src/b.c'], wit: 'world.wit' },
    { language: 'c', kind: 'typed' },
  ],
  [
    'C with WIT can be a command too',
    { name: 'x', kind: 'command', entry: 'src/a.c', wit: 'world.wit' },
    { kind: 'command' },
  ],
  ['C++ alone is a command', { name: 'x', entry: 'src/a.cpp' }, { language: 'c++', kind: 'command' }],
  [
    'C++ may have parts in C',
    { name: 'x', entry: ['src/a.c', 'src/a.cpp'], wit: 'world.wit' },
    { language: 'c++', kind: 'typed' },
  ],
  ['a Rust file alone is a command', { name: 'x', entry: 'src/a.rs' }, { language: 'rust', kind: 'command' }],
  [
    "a project of cargo's is in Rust",
    { name: 'x', entry: 'Cargo.toml', wit: 'world.wit' },
    { language: 'rust', kind: 'typed' },
  ],
  [
    'a command in Rust may have a world',
    { name: 'x', entry: 'src/a.rs', wit: 'world.wit', kind: 'command' },
    { language: 'rust', kind: 'command' },
  ],
  ['C may be compiled as C++', { name: 'x', entry: 'src/a.c', language: 'c++' }, { language: 'c++' }],
  [
    'TypeScript alone serves http',
    { name: 'x', entry: 'src/a.ts' },
    { language: 'typescript', kind: 'http', backend: 'quickjs' },
  ],
  [
    'JavaScript is TypeScript',
    { name: 'x', entry: 'src/a.js', wit: 'world.wit', world: 'w' },
    { language: 'typescript', kind: 'typed', world: 'w' },
  ],
  [
    'a backend can be chosen',
    { name: 'x', entry: 'src/a.ts', backend: 'starlingmonkey' },
    { backend: 'starlingmonkey' },
  ],
  [
    'what it asks for is kept, and only that',
    { name: 'x', entry: 'src/a.c', arguments: ['-v'], environment: { A: 'b' }, limits: { memoryMib: 64 } },
    { grant: { arguments: ['-v'], environment: { A: 'b' }, limits: { memoryMib: 64 } } },
  ],
] as const) {
  project(what, async () => {
    const found: object = await read(file);
    for (const [key, value] of Object.entries(expected)) assert.equal(Reflect.get(found, key), value, key);
  });
}

for (const [what, file, words] of [
  ['is not JSON', '{', /is not JSON/],
  ['is no object', '[]', /must be an object, got a list/],
  ['has no name', { entry: 'src/a.c' }, /name is missing/],
  ['has no entry', { name: 'x' }, /"entry".*"build".*"component".*none/],
  [
    'has source and a component',
    { name: 'x', entry: 'src/a.c', component: 'src/a.c' },
    /"entry" is for what is built here/,
  ],
  ['has a bad name', { name: 'Übung', entry: 'src/a.c' }, /name must be a name of lower-case/],
  ['leaves its folder', { name: 'x', entry: '../a.c' }, /path inside the project/],
  ['leaves its folder half-way', { name: 'x', entry: 'src/../../a.c' }, /path inside the project/],
  ['is absolute', { name: 'x', entry: '/etc/passwd' }, /path inside the project/],
  ['misspells a key', { name: 'x', entry: 'src/a.c', entri: 1 }, /entri is not a known key; expected one of .*entry/],
  [
    'misspells a limit',
    { name: 'x', entry: 'src/a.c', limits: { memoryMb: 1 } },
    /limits.memoryMb is not a known key; expected one of memoryMib/,
  ],
  [
    'has a limit of a wrong type',
    { name: 'x', entry: 'src/a.c', limits: { memoryMib: '1' } },
    /limits.memoryMib must be a number, got "1"/,
  ],
  ['names a file that is not there', { name: 'x', entry: 'src/c.c' }, /src\/c.c, which cannot be read/],
  ['mixes languages', { name: 'x', entry: ['src/a.c', 'src/a.ts'] }, /must be .ts, .js or .c files/],
  [
    'asks for http in C',
    { name: 'x', entry: 'src/a.c', kind: 'http' },
    /an http function must be written in TypeScript, AssemblyScript or Rust; C offers command and typed/,
  ],
  [
    'asks for a command in TypeScript',
    { name: 'x', entry: 'src/a.ts', kind: 'command' },
    /a command must be written in C, C\+\+, AssemblyScript or Rust; TypeScript offers http and typed/,
  ],
  ['is typed without WIT', { name: 'x', entry: 'src/a.ts', kind: 'typed' }, /needs "wit"/],
  [
    'asks for one host that is no list',
    { name: 'x', entry: 'src/a.ts', http: 'a.org' },
    /http must be a list, in \[ \], got "a.org"/,
  ],
  [
    'has a build and an entry',
    { name: 'x', entry: 'src/a.c', build: { command: 'make' } },
    /"build" says how a program/,
  ],
  ['has a build without a command', { name: 'x', build: { output: 'x' } }, /command/],
  [
    'has a build that leaves its folder',
    { name: 'x', build: { command: 'make', output: '../x' } },
    /inside the project/,
  ],
  ['chooses an engine for C', { name: 'x', entry: 'src/a.c', backend: 'quickjs' }, /JavaScript engine/],
  ['has two Rust entries', { name: 'x', entry: ['src/a.rs', 'Cargo.toml'] }, /a Rust function has one entry/],
  ['has two TypeScript entries', { name: 'x', entry: ['src/a.ts', 'src/a.js'] }, /one entry/],
  [
    'misspells a key that it needs',
    { name: 'x', entri: 'src/a.c' },
    /entri is not a known key; expected one of .*entry/,
  ],
  ['has no entries', { name: 'x', entry: [] }, /entry must be/],
] as const) {
  project(`that ${what} is refused with a sentence`, async () => {
    const error = await failure(read(file));
    assert.is(error.code, 'project-invalid');
    assert.match(error.message, words);
  });
}

project('that is missing is refused with what starts one', async () => {
  const error = await failure(readProject(join(folder, 'src')));
  assert.is(error.code, 'project-invalid');
  assert.match(error.message, 'cloudlet new');
});

for (const [text, worlds] of [
  ['package a:b; world one { }', ['one']],
  ['/* world no {} */ // world no {\nworld one {}\nworld two-2{}', ['one', 'two-2']],
  ['interface world-like { world: func(); }', []],
  ['@since(version = 1.0.0)\nworld %export { }', ['export']],
] as const) {
  project(`finds the worlds ${JSON.stringify(worlds)}`, () => assert.equal(worldsOf(text), worlds));
}

project('names its world, or is told what there is', async () => {
  const wit = join(folder, 'world.wit');
  await writeFile(wit, 'package a:b; world one {} world two {}');
  assert.is(await nameWorld(wit, 'two'), 'two');
  assert.match((await failure(nameWorld(wit, undefined))).message, /has the worlds one, two; name one/);
  assert.match(
    (await failure(nameWorld(wit, 'three'))).message,
    /names the world three, but .* has the worlds one, two/,
  );
  await writeFile(wit, 'package a:b; world one {}');
  assert.is(await nameWorld(wit, undefined), 'one');
  assert.is(await nameWorld(folder, undefined), 'one');
  await writeFile(wit, 'package a:b;');
  assert.match((await failure(nameWorld(wit, undefined))).message, /has no world/);
});

project('a name that is no name is told by its beginning', async () => {
  const { message } = await failure(read({ name: 'A'.repeat(100_000), entry: 'src/a.c' }));
  assert.match(message, /name must be a name of lower-case letters, digits and hyphens, got "A{100,119}…$/);
});

project.run();
