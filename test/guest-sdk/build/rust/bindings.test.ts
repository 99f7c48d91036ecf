import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateRust } from '../../../../guest-sdk/build/rust/bindings.ts';
import { caseName, crateName, identifier, literal, typeName } from '../../../../guest-sdk/build/rust/identifier.ts';
import type { WitFunction, WitType } from '../../../../guest-sdk/protocol/index.ts';
import { echoOf } from '../../../support/wit-values.ts';

const bindings = suite('Rust bindings');

bindings('turn WIT names into Rust names that Rust allows', () => {
  assert.equal(['item-name', 'HTTP-server', 'type', 'self', 'x'].map(identifier), [
    'item_name',
    'http_server',
    'r#type',
    'self_',
    'x',
  ]);
  assert.equal(['item-name', 'option', 'HTTP'].map(typeName), ['ItemName', 'Option_', 'Http']);
  assert.equal(['none', 'self'].map(caseName), ['None', 'Self_']);
  assert.equal(['way-out', 'std', 'loop'].map(crateName), ['way_out', 'std_world', 'loop_world']);
});

bindings('let no name end the string that it is written in', () => {
  assert.is(literal('a:b/c@1.0.0-rc.1+x#f'), '"a:b/c@1.0.0-rc.1+x#f"');
  assert.is(literal('a"\\\n'), '"a\\u{22}\\u{5c}\\u{a}"');
});

const fn = (name: string, param: WitType, result: WitType | null, owner: string | null = null): WitFunction => ({
  ...echoOf(param),
  name,
  function: name,
  interface: owner,
  result,
});
const point: WitType = { kind: 'record', fields: [{ name: 'x', type: { kind: 'f64' } }] };
const other: WitType = { kind: 'record', fields: [{ name: 'x', type: { kind: 'f32' } }] };

bindings('declare types once, under the names of their author, and a trait for each interface', () => {
  const names = new Map([
    [point, 'point'],
    [other, 'point'],
  ]);
  const functions = [
    fn('walk', { kind: 'list', element: point }, point),
    fn('jump', { ...point }, null, 'a:b/air-port@1.0.0'),
    fn('fly', other, null, 'a:b/air-port@1.0.0'),
  ];
  const { crate, text } = generateRust({ name: 'way-out', functions, names });
  assert.is(crate, 'way_out');
  assert.is(text.match(/^pub struct Point \{\n {4}pub x: f64,\n\}$/gm)?.length, 1);
  assert.is(text.match(/^pub struct Point2 \{/gm)?.length, 1);
  assert.match(text, /^ {4}fn walk\(value: Vec<Point>\) -> Point;$/m);
  assert.match(
    text,
    /^pub mod air_port \{\n {4}use super::\*;\n\n {4}\/\/\/ The functions to write\.\n {4}pub trait Guest/m,
  );
  assert.match(text, /^ {8}fn fly\(value: Point2\);$/m);
  assert.match(text, 'export_name = "a:b/air-port@1.0.0#fly"');
});

const many = (count: number) => Array.from({ length: count }, (_, at) => `f${at}`);
for (const [what, type, words] of [
  ['more flags than the canonical ABI carries', { kind: 'flags', names: many(33) }, /f: func.*: .*at most 32/],
  [
    'longer tuples than Rust compares',
    { kind: 'tuple', elements: many(13).map((): WitType => ({ kind: 'u8' })) },
    /at most 12/,
  ],
  ['resources', { kind: 'unsupported', what: 'r' }, /cannot take or give r/],
] as const) {
  bindings(`refuse ${what}, naming the function`, () => {
    assert.throws(() => generateRust({ name: 'w', functions: [fn('f', type, null)], names: new Map() }), words);
  });
}

bindings('refuse asynchronous functions, and interfaces of one name', () => {
  const functions = [{ ...fn('f', point, null), async: true }];
  assert.throws(() => generateRust({ name: 'w', functions, names: new Map() }), /cannot be async/);
  const twice = [fn('f', point, null, 'a:b/i'), fn('f', point, null, 'c:d/i')];
  assert.throws(() => generateRust({ name: 'w', functions: twice, names: new Map() }), /one name in Rust/);
});

const bucket: WitType = { kind: 'unsupported', what: 'bucket' };
const lent: WitType = { kind: 'unsupported', what: 'borrow<bucket>' };
const resource = { interface: 'a:store/kept@1.0.0', name: 'bucket' };
const handles = new Map([
  [bucket, { mode: 'own', resource }],
  [lent, { mode: 'borrow', resource }],
] as const);

/** The crate of a world that imports one interface with these functions. */
const importing = (name: string, functions: readonly WitFunction[]) => {
  const own = functions.map((each) => ({ ...each, interface: name }));
  const imports = [{ name, functions: own, types: new Map(), resources: new Map([['bucket', resource]]) }];
  return generateRust({ name: 'w', functions: [fn('f', point, null)], names: new Map(), imports, handles }).text;
};

bindings('have a module for an imported interface, methods of its resources, and lend what is given', () => {
  const list: WitType = { kind: 'list', element: { kind: 'string' } };
  const text = importing('a:store/kept@1.0.0', [
    { ...fn('open', { kind: 'string' }, bucket) },
    {
      ...fn('[method]bucket.keep', lent, list),
      params: ['self', 'kept'].map((name, at) => ({ name, type: [lent, list][at]! })),
    },
    { ...fn('[constructor]bucket', { kind: 'option', some: lent }, bucket) },
    { ...fn('[static]bucket.join', { kind: 'list', element: bucket }, null) },
  ]);
  for (const words of [
    /^ {4}pub fn store_kept_open\(value: &str\) -> Bucket/m,
    /^ {8}pub fn keep\(&self, kept: &\[&str\]\) -> Vec<String>/m,
    /^ {8}pub fn new\(value: Option<&Bucket>\) -> Bucket/m,
    /^ {8}pub fn join\(value: Vec<Bucket>\)/m,
    /^pub mod store \{\n {4}\/\/\/ `a:store\/kept@1\.0\.0`\n {4}pub mod kept \{\n {8}pub use crate::store_kept_open as open;/m,
    /link_name = "\[resource-drop\]bucket"/,
  ])
    assert.match(text, words);
});

for (const [what, wit, words] of [
  [
    'a stream',
    fn('read', { kind: 'list', element: { kind: 'unsupported', what: 'stream<u8>' } }, null),
    /import a:b\/c read: .*: value\[\]: .*stream<u8>/,
  ],
  [
    'a handle that is lent inside a record',
    fn('put', { kind: 'record', fields: [{ name: 'to', type: lent }] }, null),
    /value\.to: .*lend borrow<bucket> inside a record/,
  ],
  ['an async function', { ...fn('wait', point, null), async: true }, /import a:b\/c wait: .*cannot be async/],
  [
    'a long tuple',
    fn('many', { kind: 'tuple', elements: many(13).map((): WitType => point) }, null),
    /many: .*at most 12/,
  ],
] as const) {
  bindings(`refuse to import ${what}, with the path to it`, () => {
    assert.throws(() => importing('a:b/c', [wit]), words);
  });
}

bindings.run();
