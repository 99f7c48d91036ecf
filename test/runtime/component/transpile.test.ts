import { readFile } from 'node:fs/promises';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import type { Artifact, ExportPath } from '../../../runtime/component/index.ts';
import { instantiateMetered } from '../../../runtime/component/rewrite/metered-instance.ts';
import { exportPath } from '../../../runtime/component/transpile/export-path.ts';
import { transpile } from '../../../runtime/component/transpile.ts';
import { guest } from '../../support/guest.ts';
import { SeededRandom } from '../../support/random.ts';
import { wat, watString } from '../../support/wat.ts';

const test = suite('transpiling a component');
const DIGEST = digestOfHex('0'.repeat(64));

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => unknown,
) => Promise<Record<string, unknown>>;

/** Instantiates an artifact without imports, as the agent does. */
async function instantiate({ glue, modules }: Artifact): Promise<Record<string, unknown>> {
  const url = `data:text/javascript;base64,${Buffer.from(glue).toString('base64')}`;
  const { instantiate: make } = (await import(url)) as { instantiate: Instantiate };
  const compiled = new Map(
    modules.map(({ name, bytes }) => [name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)]),
  );
  return make(
    (name) => compiled.get(name)!,
    {},
    (module, imports) => instantiateMetered(module, imports, () => 1_000_000n),
  );
}

async function call(artifact: Artifact, name: string, ...args: unknown[]): Promise<unknown> {
  const found = artifact.manifest.functions.find(({ wit }) => wit.name === name);
  assert.ok(found, `there is no ${name}`);
  let value: unknown = await instantiate(artifact);
  for (const key of found!.path) value = (value as Record<string, unknown>)[key];
  return (value as (...args: unknown[]) => unknown)(...args);
}

for (const [interfaceName, fn, path] of [
  ['a:b/math@1.0.0', 'add-all', ['a:b/math@1.0.0', 'addAll']],
  ['a:b/math', 'get-HTTP2-body', ['a:b/math', 'getHttp2Body']],
  ['my-ops', 'x', ['myOps', 'x']],
  ['a:b/c', '[constructor]big-blob', ['a:b/c', 'BigBlob']],
  ['a:b/c', '[method]blob.read-all', ['a:b/c', 'Blob', 'prototype', 'readAll']],
  ['a:b/c', '[static]blob.make', ['a:b/c', 'Blob', 'make']],
] as const)
  test(`${fn} of ${interfaceName} is found at ${path.join(' → ')}`, () => {
    assert.equal(exportPath(interfaceName, fn), path as ExportPath);
  });

test('typed functions of the world and of interfaces can be called where the manifest says', async () => {
  const artifact = await transpile(await readFile(await guest('typed')), DIGEST);
  assert.equal(artifact.manifest.doors, ['call']);
  assert.is(await call(artifact, 'add', 2, -5), -3);
  assert.is(await call(artifact, 'shapes.u64-back', 2n ** 64n - 1n), 2n ** 64n - 1n);
  assert.equal(await call(artifact, 'shapes.swap', [7, 'x']), ['x', 7]);
});

for (const name of [
  'scale-x-y',
  'a-B',
  'HTTP',
  'to-string',
  'constructor',
  'await',
  'class',
  'imports',
  'then',
  'component-error',
])
  test(`a function of the world may be called ${name}`, async () => {
    const artifact = await transpile(
      await wat(`(component
        (core module $m (func (export "f") (param i32) (result i32) local.get 0))
        (core instance $i (instantiate $m))
        (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
        (export ${watString(name)} (func $f)))`),
      DIGEST,
    );
    assert.is(await call(artifact, name, 7), 7);
  });

test('a WASI 0.1 command stays as it is, with a run door and the interfaces that its calls come to', async () => {
  const { manifest, modules } = await transpile(await readFile(await guest('preview1')), DIGEST);
  assert.equal(manifest.doors, ['run']);
  assert.equal(manifest.run, ['run']);
  assert.is(modules.length, 1);
  for (const each of ['wasi:cli/stdin', 'wasi:cli/stdout', 'wasi:cli/exit', 'wasi:filesystem/types'])
    assert.ok(manifest.imports.includes(`${each}@0.2.12`), each);
});

for (const [what, text, refusal] of [
  [
    'a function that WASI 0.1 does not have',
    '(module (import "wasi_snapshot_preview1" "fd_teleport" (func)) (memory (export "memory") 1) (func (export "_start")))',
    /fd_teleport.*no such function/,
  ],
  ['a memory that is not exported', '(module (memory 1) (func (export "_start")))', /exports no "memory"/],
] as const)
  test(`a WASI 0.1 command with ${what} is refused`, async () => {
    await transpile(await wat(text), DIGEST).then(
      () => assert.unreachable(),
      (error: CloudletError) => {
        assert.is(error.code, 'component-refused');
        assert.match(error.message, refusal);
      },
    );
  });

test('an http component has its handler, and nothing of QuickJS to call', async () => {
  const { manifest } = await transpile(await readFile(await guest('hello-http')), DIGEST);
  assert.equal(manifest.doors, ['http']);
  assert.equal(manifest.functions, []);
  assert.is(manifest.http?.[1], 'handle');
});

test('the same component becomes the same artifact', async () => {
  const bytes = await readFile(await guest('typed'));
  const [first, second] = [await transpile(bytes, DIGEST), await transpile(bytes, DIGEST)];
  assert.is(first.glue, second.glue);
  assert.equal(first.manifest, second.manifest);
  assert.equal(first.modules, second.modules);
});

/** Text that would run, or end the text around it, if it came into generated code as it is. */
const HOSTILE = [
  `'];globalThis.__injected=1;['`,
  '`+(globalThis.__injected=1)+`',
  '"]();globalThis.__injected=1;//',
  '\n;globalThis.__injected=1;//',
  '*/globalThis.__injected=1;/*',
  '$\u007bglobalThis.__injected=1}',
  "\\');globalThis.__injected=1;//",
  '__proto__',
  '\u2028globalThis.__injected=1//',
];

/** A name of forty characters, to be overwritten in the binary. */
const place = (n: number): string => `place-${String.fromCharCode(97 + n).repeat(34)}`;

/** Every place where a world has a name of its author's. */
const WIT_NAMES = Array.from({ length: 12 }, (_, n) => place(n));
const [fn, iface, param, field, variantCase, flag, enumCase, imported, method, resource, typeName, packageName] =
  WIT_NAMES;
const WORLD = `package ns:${packageName}@1.0.0;
interface ${imported} { enum ${enumCase} { ${enumCase} } }
interface ${iface} {
  use ${imported}.{${enumCase}};
  record ${typeName} { ${field}: u32 }
  variant v { ${variantCase}(${typeName}), other }
  flags f { ${flag} }
  resource ${resource} { constructor(${param}: u32); ${method}: func(${param}: v) -> f; }
  ${fn}: func(${param}: v, e: ${enumCase}) -> result<f, ${typeName}>;
}
world w { export ${iface}; export ${fn}: func(${param}: u32) -> string; }`;

/** Every place where core modules have a name. */
const CORE_NAMES = [place(12), place(13), place(14), place(15)];
const [coreModule, coreName, coreExport, custom] = CORE_NAMES;
const CORE = `(component
  (core module $a (func (export "${coreName}") (param i32) (result i32) local.get 0))
  (core instance $a (instantiate $a))
  (core instance $as (export "${coreName}" (func $a "${coreName}")))
  (core module $m (@custom "${custom}" "x") (import "${coreModule}" "${coreName}" (func $f (param i32) (result i32)))
    (func (export "${coreExport}") (param i32) (result i32) local.get 0 call $f))
  (core instance $i (instantiate $m (with "${coreModule}" (instance $as))))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "${coreExport}")))
  (export "f" (func $f)))`;

for (const [what, make, names] of [
  ['a world', worldComponent, WIT_NAMES],
  ['core modules', () => wat(CORE), CORE_NAMES],
] as const)
  test(`hostile names of ${what} are refused, or come into generated code escaped`, async () => {
    const component = await make();
    // As it stands it is a good component, so that a refusal below is about the name.
    assert.type(await instantiate(await transpile(component, DIGEST)), 'object');
    const random = new SeededRandom(Date.now());
    console.log(`seed ${random.seed}`);
    let refusals = 0;
    for (const name of names) {
      for (const hostile of HOSTILE) {
        const patched = overwrite(component, name, hostile, random);
        try {
          await instantiate(await transpile(patched, DIGEST));
        } catch (error) {
          if (!(error instanceof CloudletError)) throw error;
          assert.is(error.code, 'component-refused');
          refusals += 1;
        }
        assert.not('__injected' in globalThis, `${JSON.stringify(hostile)} ran as ${name}`);
      }
    }
    assert.ok(refusals > 20, `${refusals} refusals`);
  });

/** A component of `WORLD` whose functions trap. */
async function worldComponent(): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ dummy: true, witSource: WORLD }), []);
}

/** The bytes with every occurrence of a name replaced by hostile text of the same length, which must occur. */
function overwrite(bytes: Uint8Array, name: string, hostile: string, random: SeededRandom): Uint8Array {
  const from = Buffer.from(name);
  const text = Buffer.from(hostile);
  const to = Buffer.alloc(from.length, random.pick(['a', '-', ' ', "'"]));
  text.copy(to, hostile === '__proto__' ? 0 : random.below(Math.max(1, from.length - text.length)));
  const copy = Buffer.from(bytes);
  let found = copy.indexOf(from);
  assert.ok(found >= 0, `${name} is not in the component`);
  for (; found >= 0; found = copy.indexOf(from, found)) to.copy(copy, found);
  return new Uint8Array(copy);
}

test.run();
