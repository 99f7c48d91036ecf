import { readFile } from 'node:fs/promises';
import { componentWit } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, formatFunction } from '../../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../../../runtime/component/index.ts';
import { guest } from '../../support/guest.ts';
import { wat, watString } from '../../support/wat.ts';

const test = suite('inspecting a component');

const refusal = (bytes: Uint8Array): string => {
  try {
    inspectComponent(bytes);
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'component-refused');
    return (error as CloudletError).message;
  }
  throw new Error('expected a refusal');
};
const signatures = async (text: string): Promise<string[]> =>
  inspectComponent(await wat(text)).functions.map(formatFunction);

/** A component whose functions have the given types, defined by core functions that need no memory. */
const withFunction = (types: string, type: string, name = 'f'): string => `(component
  (core module $m (func (export "f") (param i32) (result i32) local.get 0))
  (core instance $i (instantiate $m))
  ${types}
  (func $f ${type} (canon lift (core func $i "f")))
  (export ${watString(name)} (func $f)))`;

for (const [what, bytes, sentence] of [
  ['an empty file', [], /empty file/],
  ['a picture', [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0], /starts with 89 50 4e 47 .*PNG/],
  ['half a preamble', [0x00, 0x61, 0x73, 0x6d, 0x0d], /file ends at byte 5: it is truncated/],
  ['an old component', [0x00, 0x61, 0x73, 0x6d, 0x0c, 0x00, 0x01, 0x00], /got version 12, layer 1/],
  ['an unknown section', [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x55, 0x00], /known section, not 0x55/],
  ['a component that exports nothing', [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00], /nothing that can be called/],
  [
    'a count larger than the file',
    [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f],
    /4294967295 are announced, 0 bytes are left/,
  ],
] as const)
  test(`${what} is refused with a sentence`, () => {
    assert.match(refusal(Uint8Array.from(bytes)), sentence);
  });

const leb = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...leb(value >> 7)]);
const section = (id: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(id), Uint8Array.from(leb(content.length)), content]);
const many = (count: number, item: readonly number[]): Uint8Array =>
  Buffer.concat([Uint8Array.from(leb(count)), Buffer.alloc(count * item.length, Uint8Array.from(item))]);
const COMPONENT = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);
const CORE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const MILLION = 1_000_000;

for (const [what, bytes, sentence] of [
  ['sections', Buffer.concat([COMPONENT, many(MILLION, [0, 0]).subarray(3)]), /at most 100000 definitions/],
  [
    'core modules',
    Buffer.concat([COMPONENT, ...Array(MILLION / 8).fill(section(1, CORE))]),
    /at most 100000 definitions/,
  ],
  ['core sections', Buffer.concat([CORE, many(MILLION, [0, 1, 0]).subarray(3)]), /at most 100000 definitions/],
  [
    'core imports',
    Buffer.concat([CORE, section(2, many(MILLION, [1, 97, 1, 97, 0, 0]))]),
    /at most 100000 definitions/,
  ],
  [
    'core exports inside a component',
    Buffer.concat([COMPONENT, section(1, Buffer.concat([CORE, section(7, many(MILLION, [0, 0, 0]))]))]),
    /at most 100000 definitions/,
  ],
  [
    'fields',
    Buffer.concat([COMPONENT, section(7, Buffer.concat([Uint8Array.of(1, 0x72), many(MILLION, [1, 97, 0x7f])]))]),
    /at most 100000 definitions/,
  ],
  [
    'parameters of many functions',
    Buffer.concat([COMPONENT, section(7, many(9000, [0x40, 100, ...Array(100).fill([1, 97, 0x7f]).flat(), 1, 0]))]),
    /at most 100000 definitions/,
  ],
  [
    'bytes in one name',
    Buffer.concat([
      CORE,
      section(2, Buffer.concat([Uint8Array.of(1), many(MILLION, [97]), Uint8Array.of(1, 97, 0, 0)])),
    ]),
    /names of at most 8192 bytes, got the module of an import of 1000000/,
  ],
  [
    'exports with names of their own',
    Buffer.concat([
      COMPONENT,
      section(5, Uint8Array.of(1, 1, 0)),
      ...Array.from({ length: 6000 }, (_, n) => {
        const name = Buffer.from(`a${n.toString(36)}`);
        return section(11, Buffer.concat([Uint8Array.of(1, 0, name.length), name, Uint8Array.of(5, 0, 0)]));
      }),
    ]),
    /at most 5000 imports or exports/,
  ],
] as const)
  test(`a file of a great many ${what} is refused before they cost anything`, () => {
    const before = process.threadCpuUsage();
    assert.match(refusal(bytes), sentence);
    const { user, system } = process.threadCpuUsage(before);
    assert.ok(user + system < 1e6, `the refusal took ${(user + system) / 1000} ms of a processor`);
  });

test('a refusal names a few of many imports', async () => {
  const imports = Array.from({ length: 500 }, (_, n) => `(import "env${n}" "f" (func))`).join('');
  const said = refusal(await wat(`(module ${imports} (func (export "_start")))`));
  assert.match(said, /imports env0, env1, .*env9 and 490 more;/);
});

test('every truncation of a component is refused, and says so', async () => {
  const bytes = new Uint8Array(await readFile(await guest('typed')));
  for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 500)) {
    const prefix = bytes.slice(0, length);
    // Between two sections a prefix is a component of its own, which then lacks its exports.
    assert.match(refusal(prefix), /truncated|empty file|nothing that can be called/);
  }
});

for (const [type, expected] of [
  ['(param "x" bool) (result bool)', 'f: func(x: bool) -> bool'],
  ['(param "x" s8) (result u8)', 'f: func(x: s8) -> u8'],
  ['(param "a-b" char) (result u32)', 'f: func(a-b: char) -> u32'],
] as const)
  test(`a function of the world has its type: ${expected}`, async () => {
    assert.equal(await signatures(withFunction('', type)), [expected]);
  });

test('types are resolved through definitions, names and outer components', async () => {
  const types = `
    (type $e (enum "red" "dark-green"))
    (import "color" (type $ee (eq $e)))
    (type $f (flags "read" "write"))
    (import "perms" (type $ff (eq $f)))
    (component $inner
      (alias outer 1 $ee (type $outer))
      (type $r (func (param "e" $outer) (result $outer)))
      (import "g" (func $g (type $r)))
      (export "deep" (func $g)))`;
  const text = withFunction(types, '(param "c" $ee) (result $ff)').replace(
    /\(export "\\66" \(func \$f\)\)\)$/,
    `(export "f" (func $f))
     (func $g (param "e" $ee) (result $ee) (canon lift (core func $i "f")))
     (instance $n (instantiate $inner (with "g" (func $g))))
     (export "a:b/inner@1.2.3" (instance $n)))`,
  );
  assert.equal(await signatures(text), [
    'f: func(c: enum { red, dark-green }) -> flags { read, write }',
    'inner.deep: func(e: enum { red, dark-green }) -> enum { red, dark-green }',
  ]);
});

const TYPE = '(type $e (enum "red")) (export $ee "color" (type $e))';
for (const [what, others, sentence] of [
  ['a type', TYPE, /got the type "color"; export it as part of an interface, as a WIT world does/],
  ['two types', `${TYPE} (export "hue" (type $ee))`, /got the type "color" and 1 more; export it as part of an/],
  ['a resource', '(type $r (resource (rep i32))) (export "blob" (type $r))', /got the type "blob"; export it as part/],
  ['a component', '(component $c) (export "inner" (component $c))', /got the component "inner"; leave it out/],
  ['a core module', '(export "core" (core module $m))', /got the core module "core"; leave it out/],
] as const)
  test(`a component that exports ${what} of its own, beside functions, is refused before a translator sees it`, async () => {
    const text = withFunction(others, '(param "x" u32) (result u32)');
    assert.match(refusal(await wat(text)), /^expected a component that exports functions and interfaces, got /);
    assert.match(refusal(await wat(text)), sentence);
  });

test('functions of two interfaces with one short name are called by their full names', async () => {
  const info = inspectComponent(
    await wat(`(component
      (core module $m (func (export "f")))
      (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (instance $one (export "go" (func $f)))
      (instance $two (export "go" (func $f)))
      (instance $three (export "go" (func $f)))
      (export "a:b/math@1.0.0" (instance $one))
      (export "a:c/math@2.0.0" (instance $two))
      (export "plain" (instance $three)))`),
  );
  assert.equal(
    info.functions.map(({ name }) => name),
    ['a:b/math@1.0.0.go', 'a:c/math@2.0.0.go', 'plain.go'],
  );
  assert.equal(
    info.functions.map((fn) => fn.interface),
    ['a:b/math@1.0.0', 'a:c/math@2.0.0', 'plain'],
  );
});

test('handles are unsupported types that are named', async () => {
  const text = `(component
    (type $r (resource (rep i32)))
    (core module $m (func (export "f") (param i32)) (func (export "g") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (param "b" (borrow $r)) (canon lift (core func $i "f")))
    (func $g (result (own $r)) (canon lift (core func $i "g")))
    (component $shim
      (import "import-type-blob" (type $r (sub resource)))
      (import "f" (func $f (param "b" (borrow $r))))
      (import "g" (func $g (result (own $r))))
      (export $e "blob" (type $r))
      (export "take" (func $f) (func (param "b" (borrow $e))))
      (export "make" (func $g) (func (result (own $e)))))
    (instance $s (instantiate $shim (with "import-type-blob" (type $r)) (with "f" (func $f)) (with "g" (func $g))))
    (export "a:b/blobs" (instance $s)))`;
  assert.equal(await signatures(text), ['blobs.take: func(b: borrow<blob>)', 'blobs.make: func() -> blob']);
});

for (const [what, text, sentence] of [
  [
    'an interface that nobody provides',
    '(import "acme:gpu/compute@1.0.0" (instance (export "go" (func))))',
    /acme:gpu\/compute@1\.0\.0/,
  ],
  ['a function', '(import "log" (func))', /log \(a func\)/],
  [
    'a draft of WASI 0.3',
    '(import "wasi:http/client@0.3.0-rc-2026-03-15" (instance (export "send" (func))))',
    /0\.3\.0-rc-2026-03-15/,
  ],
] as const)
  test(`an import of ${what} is refused by name`, async () => {
    assert.match(refusal(await wat(withFunction(text, '(param "x" u32) (result u32)'))), sentence);
  });

for (const [what, text] of [
  [
    'an import of WASI 0.3',
    withFunction('(import "wasi:clocks/types@0.3.0" (instance))', '(param "x" u32) (result u32)'),
  ],
  [
    'an asynchronous function',
    `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f async (canon lift (core func $i "f") async)) (export "f" (func $f)))`,
  ],
  ['a built-in function', withFunction('(core func (canon waitable-set.new))', '(param "x" u32) (result u32)')],
  [
    'a stream',
    withFunction(
      '(type $s (stream u8)) (core func (canon stream.new $s)) (core func (canon stream.cancel-read $s async)) (core func (canon stream.drop-writable $s))',
      '(param "x" u32) (result u32)',
    ),
  ],
  [
    'tasks',
    withFunction(
      '(core func (canon task.return (result u32))) (core func (canon task.return)) (core func (canon context.get i32 0)) (core func (canon task.cancel)) (core func (canon subtask.drop)) (core func (canon subtask.cancel async)) (core func (canon backpressure.inc))',
      '(param "x" u32) (result u32)',
    ),
  ],
] as const)
  test(`a component with ${what} is asynchronous`, async () => {
    const info = inspectComponent(await wat(text));
    assert.is(info.asynchronous, true);
    assert.equal(info.doors, ['call']);
  });

test('asynchronous functions say so, and their streams cannot be called with', async () => {
  const info = inspectComponent(await readFile(await guest('typed-p3')));
  assert.is(info.asynchronous, true);
  const greet = info.functions.find((fn) => fn.name === 'greet')!;
  assert.is(greet.async, true);
  const upper = info.functions.find((fn) => fn.name === 'upper')!;
  assert.equal(upper.params[0]!.type, { kind: 'unsupported', what: 'stream<…>' });
  assert.is(info.functions.find((fn) => fn.name === 'add')!.async, false);
});

test('a service of WASI 0.3 has the door http, and no typed functions', async () => {
  const info = inspectComponent(await readFile(await guest('http-p3')));
  assert.equal([info.doors, info.functions], [['http'], []]);
});

test('a component of WASI 0.2 is not asynchronous', async () => {
  assert.is(inspectComponent(await readFile(await guest('typed'))).asynchronous, false);
});

test('built-in functions that cannot run here are refused', async () => {
  const text = withFunction('(core func (canon error-context.drop))', '(param "x" u32) (result u32)');
  assert.match(refusal(await wat(text)), /built-in function \(0x1e\) that cannot run here/);
});

test('an imported interface of plain types needs nobody', async () => {
  const text = withFunction(
    '(import "acme:geo/types@1.0.0" (instance (type $p (enum "a" "b")) (export "p" (type (eq $p)))))',
    '(param "x" u32) (result u32)',
  );
  assert.equal(inspectComponent(await wat(text)).imports, ['acme:geo/types@1.0.0']);
});

test('a type that doubles at every level is refused before it is written out', async () => {
  let types = '(type $t0 (enum "a"))';
  for (let n = 1; n < 40; n += 1) types += `(type $t${n} (tuple $t${n - 1} $t${n - 1}))`;
  assert.match(
    refusal(
      await wat(`(component ${types} (import "wasi:cli/run@0.2.0" (instance (export "f" (func (param "x" u8))))))`),
    ),
    /at most 10000 parts/,
  );
});

test('components nested beyond reason are refused', async () => {
  const nested = `${'(component '.repeat(40)}${')'.repeat(40)}`;
  assert.match(refusal(await wat(nested)), /at most 32 components/);
});

for (const name of [`'];boom();['`, 'a`b', 'a"b', '\\', 'a\nb', '__proto__', '$\u{7b}boom()}', '*/boom()/*', 'é'])
  test(`a core name ${JSON.stringify(name)} does not reach generated code`, async () => {
    const quoted = watString(name);
    const text = `(component
      (core module $m (func (export ${quoted}) (result i32) i32.const 1))
      (core instance $i (instantiate $m))
      (func $f (result u32) (canon lift (core func $i ${quoted})))
      (export "f" (func $f)))`;
    assert.match(refusal(await wat(text)), /plain ASCII without quotes/);
  });

test('a core module of WASI 0.1 is told from a component', async () => {
  const info = inspectComponent(await readFile(await guest('preview1')));
  assert.is(info.kind, 'core-module');
  assert.equal(info.doors, ['run']);
  assert.equal(info.imports, ['wasi_snapshot_preview1']);
});

test('a core module with nothing to call, or with imports of its own, is refused', async () => {
  assert.match(refusal(await wat('(module)')), /exports no "_start"/);
  assert.match(refusal(await wat('(module (import "env" "f" (func)) (func (export "_start")))')), /imports env/);
});

for (const name of ['cat', 'typed', 'evil', 'hello-http', 'echo-http'])
  test(`the imports and exports of ${name} are what jco says`, async () => {
    const bytes = await readFile(await guest(name));
    const wit = await componentWit(bytes);
    const said = (keyword: string): string[] =>
      [...wit.matchAll(new RegExp(`^  ${keyword} ([^ ;]+?)(?:: func.*)?;$`, 'gm'))].map((match) => match[1]!);
    const info = inspectComponent(bytes);
    assert.equal([...info.imports].sort(), said('import').sort());
    // QuickJS leaves a function of its own in what it builds; it is hidden here.
    const exported = said('export').filter((each) => !(name.endsWith('-http') && each === 'init'));
    assert.equal([...info.exports].sort(), exported.sort());
  });

for (const [name, doors] of [
  ['cat', ['run']],
  ['typed', ['call']],
  ['hello-http', ['http']],
] as const)
  test(`${name} is called through ${doors}`, async () => {
    assert.equal(inspectComponent(await readFile(await guest(name))).doors, doors);
  });

test.run();
