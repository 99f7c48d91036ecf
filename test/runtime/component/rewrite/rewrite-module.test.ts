import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { instantiateMetered, RESETTABLE_SECTION } from '../../../../runtime/component/rewrite/metered-instance.ts';
import { rewriteModule } from '../../../../runtime/component/rewrite/rewrite-module.ts';
import { wat } from '../../../support/wat.ts';

const test = suite('rewriting a core module');

const rewrite = async (text: string) => rewriteModule('component.core.wasm', await wat(text));
type Exports = Record<string, (...args: unknown[]) => unknown>;

/** An instance with `rations` rations of fuel, and how many it has asked for. */
async function metered(text: string, rations = 1000, ration = 1000n, imports: WebAssembly.Imports = {}) {
  const { bytes, traits } = await rewrite(text);
  const count = { asked: 0 };
  const checkpoint = (): bigint => {
    count.asked += 1;
    if (count.asked > rations) throw new Error('no more fuel');
    return ration;
  };
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const instance = await instantiateMetered(module, imports, checkpoint);
  return { exports: instance.exports as Exports, count, traits };
}

for (const [what, text] of [
  ['a loop', '(module (func (export "f") (loop (br 0))))'],
  ['a loop behind a condition', '(module (func (export "f") (loop (br_if 0 (i32.const 1)))))'],
  ['a loop through a branch table', '(module (func (export "f") (loop (br_table 0 0 (i32.const 3)))))'],
  ['a loop in a loop', '(module (func (export "f") (loop (loop (br 1)))))'],
  ['a tail call to itself', '(module (func $f (export "f") (return_call $f)))'],
  [
    'tail calls through a table',
    '(module (table funcref (elem $f)) (func $f (export "f") (return_call_indirect (i32.const 0))))',
  ],
  [
    'two functions that tail-call each other',
    '(module (func $f (export "f") (return_call $g)) (func $g (return_call $f)))',
  ],
  [
    'an exponential recursion',
    '(module (func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1)))))) (func (export "f") (call $f (i32.const 60))))',
  ],
  [
    'a loop that catches everything',
    '(module (func $spin (loop (br 0))) (func (export "f") loop $l try call $spin catch_all br $l end end))',
  ],
  [
    'a loop that fills memory',
    '(module (memory 64) (func (export "f") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 4000000)) (br 0))))',
  ],
] as const)
  test(`${what} ends when its fuel does`, async () => {
    const { exports, count } = await metered(text);
    assert.throws(() => exports['f']!(), /unreachable/);
    assert.is(count.asked, 1001);
  });

for (const [what, text] of [
  ['the fuel', '(module (func (loop (br_if 0 (i32.const 0)) (global.set 0 (i64.const 9000000000000000000)))))'],
  ['the checkpoint', '(module (func (loop (br_if 0 (i32.const 0)) (drop (global.get 1)))))'],
  ['the function that refills', '(module (func (loop (br_if 0 (i32.const 0)) (call 1))))'],
] as const)
  test(`a module that names ${what} before it is there is refused`, async () => {
    await rewrite(text).then(
      () => assert.unreachable('it was rewritten'),
      (error: Error) => assert.match(error.message, 'is not valid'),
    );
  });

test('bytes that are filled or copied are charged for', async () => {
  const text = `(module (memory 16)
    (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 7) (local.get 0)))
    (func (export "loop") (loop (br_if 0 (i32.const 0)))))`;
  const small = await metered(text);
  small.exports['fill']!(8);
  assert.is(small.count.asked, 1);
  const large = await metered(text);
  large.exports['fill']!(1_000_000);
  assert.ok(large.count.asked > 100, `${large.count.asked} rations of 1000 for 1,000,000 bytes`);
});

test('an endless start function can be interrupted', async () => {
  await rejects(() => metered('(module (func $s (loop (br 0))) (start $s))', 10), /unreachable/);
});

test('a start function has run when the instance is there, also when it waits', async () => {
  const { exports, traits } = await metered(
    '(module (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 5))) (start $s) (func (export "g") (result i32) (global.get $g)))',
  );
  assert.is(traits.startExported, true);
  assert.is(exports['g']!(), 5);
  const { Suspending } = WebAssembly as unknown as {
    Suspending: new (fn: () => Promise<number>) => WebAssembly.ImportValue;
  };
  const waited = await metered(
    '(module (import "a" "b" (func $b (result i32))) (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (call $b))) (start $s) (func (export "g") (result i32) (global.get $g)))',
    10,
    1000n,
    { a: { b: new Suspending(async () => 6) } },
  );
  assert.is(waited.exports['g']!(), 6);
});

test('a module whose checkpoint was never set does not run', async () => {
  const { bytes } = await rewrite('(module (func (export "f") (loop (br_if 0 (i32.const 0)))))');
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
  assert.throws(() => (instance.exports as Exports)['f']!(), /null/);
});

test('equal work takes equal fuel', async () => {
  const text = `(module (func (export "sum") (param $n i32) (result i32) (local $s i32)
    (loop $l (local.set $s (i32.add (local.get $s) (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))) (local.get $s)))`;
  const first = await metered(text);
  const second = await metered(text);
  assert.is(first.exports['sum']!(10_000), 50_005_000);
  assert.is(second.exports['sum']!(10_000), 50_005_000);
  assert.is(first.count.asked, second.count.asked);
  assert.ok(first.count.asked > 50 && first.count.asked < 200, String(first.count.asked));
});

test('a switch in a loop is charged for its longest case, not for all of them', async () => {
  const cases = 40;
  const work = '(local.set 1 (i32.add (local.get 1) (i32.const 1)))'.repeat(20);
  let body = `(br_table ${Array.from({ length: cases }, (_, n) => n).join(' ')} (i32.rem_u (local.get 0) (i32.const ${cases})))`;
  for (let n = 0; n < cases; n += 1) body = `(block ${body}) ${work} (br $next)`;
  const text = `(module (func (export "f") (param i32 i32) (result i32)
    (loop $l (block $next ${body}) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))) (local.get 1)))`;
  const { exports, count } = await metered(text);
  assert.is(exports['f']!(1000, 0), 20_000);
  assert.ok(count.asked < 150, `${count.asked} rations for about 90,000 instructions`);
});

for (const [what, text] of [
  [
    'a plain forwarder',
    '(module (import "a" "b" (func $b (param i32))) (func (export "f") (param i32) (call $b (local.get 0))))',
  ],
  ['a module without code', '(module (memory (export "m") 1))'],
] as const)
  test(`${what} is left unmetered`, async () => {
    const { traits, bytes } = await rewrite(text);
    assert.is(traits.metered, false);
    // What says that it can be made as it was, and the export of a memory.
    assert.ok(bytes.length <= (await wat(text)).length + 64);
  });

for (const [what, text, sentence] of [
  ['shared memory', '(module (memory 1 1 shared))', /threads/],
  ['atomic instructions', '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))', /threads/],
  ['64-bit memory', '(module (memory i64 1))', /64-bit memory/],
  ['garbage-collected structs', '(module (type (struct (field i32))))', /garbage-collected/],
  ['i31 references', '(module (func (drop (ref.i31 (i32.const 1)))))', /GC feature/],
  ['a table too large', '(module (table 2000000 funcref))', /1000000 elements/],
  ['too many memories', `(module ${'(memory 1)'.repeat(9)})`, /at most 8 memories/],
  ['a reserved name', '(module (func (export "[cloudlet]start")))', /reserved export name/],
  ['code that is not valid', '(module (func (result i32)))', /is not valid/],
] as const)
  test(`${what} is refused by name`, async () => {
    await rejects(() => rewrite(text), sentence);
  });

for (const [feature, text, args, expected] of [
  [
    'vector instructions',
    '(module (func (export "f") (param i32) (result i32) (loop (br_if 0 (i32.const 0))) (i32x4.extract_lane 2 (i32x4.splat (local.get 0)))))',
    [7],
    7,
  ],
  [
    'several results and loop parameters',
    '(module (func (export "f") (param i32) (result i32) (local.get 0) (loop (param i32) (result i32) (i32.const 1) (i32.add))))',
    [7],
    8,
  ],
  [
    'exceptions',
    '(module (tag $t (param i32)) (func (export "f") (param i32) (result i32) try (result i32) local.get 0 throw $t catch $t end))',
    [7],
    7,
  ],
  [
    'typed function references',
    '(module (type $t (func (param i32) (result i32))) (func $g (type $t) (i32.add (local.get 0) (i32.const 1))) (elem declare func $g) (func (export "f") (param i32) (result i32) (loop (br_if 0 (i32.const 0))) (call_ref $t (local.get 0) (ref.func $g))))',
    [7],
    8,
  ],
  [
    'several memories',
    '(module (memory $a 1) (memory $b 1) (func (export "f") (param i32) (result i32) (i32.store $b (i32.const 8) (local.get 0)) (memory.copy $a $b (i32.const 0) (i32.const 8) (i32.const 4)) (i32.load $a (i32.const 0))))',
    [7],
    7,
  ],
  [
    'constant expressions',
    '(module (global $g i32 (i32.add (i32.const 3) (i32.const 4))) (func (export "f") (param i32) (result i32) (loop (br_if 0 (i32.const 0))) (i32.mul (local.get 0) (global.get $g))))',
    [7],
    49,
  ],
  [
    'saturating and sign-extending conversions',
    '(module (func (export "f") (param f64) (result i32) (loop (br_if 0 (i32.const 0))) (i32.extend8_s (i32.trunc_sat_f64_s (local.get 0)))))',
    [1e30],
    -1,
  ],
  [
    'table instructions',
    '(module (table $t 4 funcref) (elem $e func $f) (func $f (export "f") (param i32) (result i32) (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 1)) (table.copy (i32.const 2) (i32.const 1) (i32.const 1)) (ref.is_null (table.get $t (i32.const 2)))))',
    [7],
    0,
  ],
] as const)
  test(`${feature} work as before`, async () => {
    const { exports, count } = await metered(text);
    assert.is(exports['f']!(...args), expected);
    assert.ok(count.asked > 0);
  });

test('what would keep an instance from being used again is written down', async () => {
  const { traits } = await rewrite(
    '(module (memory 3) (table 1 funcref) (data "x") (func (loop (br_if 0 (i32.const 0))) (table.set (i32.const 0) (ref.null func)) (data.drop 0) (drop (memory.grow (i32.const 1)))))',
  );
  assert.equal(traits, {
    name: 'component.core.wasm',
    metered: true,
    startExported: false,
    instances: 1,
    tableElements: 1,
    memoryPages: 3,
    mutatesTables: true,
    dropsSegments: true,
    growsMemory: true,
    resettable: false,
  });
});

for (const [what, fields, exported] of [
  [
    'memories and changeable globals',
    '(memory 1) (global i32 (i32.const 1)) (global (mut i64) (i64.const 2)) (global (mut f32) (f32.const 1.5)) (func (loop))',
    ['[cloudlet]checkpoint', '[cloudlet]fuel', '[cloudlet]memory0', '[cloudlet]global1', '[cloudlet]global2'],
  ],
  [
    'a global behind an imported one',
    '(import "a" "g" (global i32)) (global (mut i32) (global.get 0))',
    ['[cloudlet]global0'],
  ],
  ['nothing but functions', '(func (export "f"))', ['f']],
] as const)
  test(`a module of ${what} can be made as it was`, async () => {
    const { bytes, traits } = await rewrite(`(module ${fields})`);
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    assert.is(traits.resettable, true);
    assert.is(WebAssembly.Module.customSections(module, RESETTABLE_SECTION).length, 1);
    assert.equal(
      WebAssembly.Module.exports(module).map(({ name }) => name),
      exported,
    );
  });

for (const [what, fields] of [
  ['a table that is written to', '(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))'],
  ['a table that grows', '(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))'],
  ['a table that is copied into', '(table 2 funcref) (func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))'],
  ['a table that is filled', '(table 2 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))'],
  ['a segment that is dropped', '(memory 1) (data $d "x") (func (data.drop $d))'],
  ['a reference in a global', '(global (mut externref) (ref.null extern))'],
  ['a vector in a global', '(global (mut v128) (v128.const i32x4 1 2 3 4))'],
] as const)
  test(`a module of ${what} cannot be made as it was`, async () => {
    const { bytes, traits } = await rewrite(`(module ${fields})`);
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    assert.is(traits.resettable, false);
    assert.is(WebAssembly.Module.customSections(module, RESETTABLE_SECTION).length, 0);
    assert.not.ok(WebAssembly.Module.exports(module).some(({ name }) => /memory|global|fuel/.test(name)));
  });

test('tables cannot grow without bound', async () => {
  const { exports } = await metered(
    '(module (table 1 funcref) (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))',
    10,
    10_000_000n,
  );
  assert.is(exports['grow']!(2_000_000), -1);
  assert.is(exports['grow']!(1000), 1);
});

/** Large real modules: compilers, an interpreter, the tools themselves. */
for (const file of [
  'jco-lean/obj/js-component-bindgen-component.core.wasm',
  '@bytecodealliance/jco-transpile/vendor/wasm-tools.core.wasm',
  'jco-lean/lib/wasi_snapshot_preview1.command.wasm',
])
  test(`${file} can be rewritten and stays valid`, async () => {
    const bytes = new Uint8Array(await readFile(new URL(`../../../../node_modules/${file}`, import.meta.url)));
    const { traits, bytes: rewritten } = rewriteModule('component.core.wasm', bytes);
    assert.is(traits.metered, true);
    assert.ok(rewritten.length < bytes.length * 1.2, `${bytes.length} became ${rewritten.length}`);
  });

async function rejects(run: () => Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await run().then(
    () => null,
    (thrown: Error) => thrown,
  );
  assert.ok(error !== null, 'expected a rejection');
  assert.match(error!.message, pattern);
}

test.run();
