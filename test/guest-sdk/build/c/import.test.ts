import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { World } from '../../../../guest-sdk/build/bindings/world.ts';
import { generateBindings } from '../../../../guest-sdk/build/c/bindings.ts';
import type { WitFunction, WitType } from '../../../../guest-sdk/protocol/index.ts';
import { echoOf } from '../../../support/wit-values.ts';

const imports = suite('imports in C');

const fn = (name: string, param: WitType, result: WitType | null, owner: string | null = null): WitFunction => ({
  ...echoOf(param),
  ...{ name, function: name, interface: owner, result },
});
const string: WitType = { kind: 'string' };
const bucket: WitType = { kind: 'unsupported', what: 'bucket' };
const lent: WitType = { kind: 'unsupported', what: 'borrow<bucket>' };
const resource = { interface: 'a:store/kept@1.0.0', name: 'bucket' };
const handles = new Map([
  [bucket, { mode: 'own', resource }],
  [lent, { mode: 'borrow', resource }],
] as const);

/** The header and the glue of a world that imports one interface with these functions. */
const importing = (name: string, functions: readonly WitFunction[], more: Partial<World> = {}) => {
  const own = functions.map((each) => ({ ...each, interface: name }));
  const imported = [{ name, functions: own, types: new Map(), resources: new Map([['bucket', resource]]) }];
  const world = { name: 'w', functions: [], names: new Map(), imports: imported, handles, ...more };
  const { header, glue } = generateBindings(world);
  return { header: header.text, glue: glue.text };
};

imports('are functions of their interface, those of a resource of its type, and one that gives a handle back', () => {
  const { header, glue } = importing('a:store/kept@1.0.0', [
    fn('open', string, bucket),
    fn('[method]bucket.keep', lent, null),
    fn('[constructor]bucket', { kind: 'option', some: lent }, bucket),
    fn('[static]bucket.drop', { kind: 'list', element: bucket }, null),
  ]);
  for (const words of [
    'typedef struct {\n  uint32_t handle;\n} w_bucket_t;',
    'w_bucket_t w_store_kept_open(w_string_t value);',
    '/* [method]bucket.keep: func(value: borrow<bucket>) */\nvoid w_bucket_keep(w_bucket_t value);',
    'w_bucket_t w_bucket_new(w_option_bucket_t value);',
    'void w_bucket_drop_(w_list_bucket_t value);',
    'void w_bucket_drop(w_bucket_t bucket);',
    // An argument that is an option is made as shortly as an answer.
    'static inline w_option_bucket_t w_option_bucket_some(w_bucket_t value)',
    'a handle is given back by its drop function',
  ])
    assert.ok(header.includes(words), words);
  assert.match(glue, 'import_module("a:store/kept@1.0.0"), import_name("[resource-drop]bucket")');
  assert.match(
    glue,
    'void w_bucket_drop(w_bucket_t arg_bucket) {\n  int32_t core0 = 0;\n  core0 = (int32_t)arg_bucket.handle;',
  );
});

imports('pass more than 16 core values, and take more than one, in memory', () => {
  const params = Array.from({ length: 9 }, (_, at) => ({ name: `p${at}`, type: string }));
  const { glue } = importing('a:b/c', [{ ...fn('many', string, string), params }]);
  assert.match(glue, /^void import_0\(const void \*, void \*\);$/m);
  assert.match(glue, /^ {2}struct \{ w_string_t p0; .* w_string_t p8; \} given = \{arg_p0, .*, arg_p8\};$/m);
  assert.match(glue, '  w_string_t answer;\n  import_0(&given, &answer);\n  return answer;\n');
});

imports('carry a narrow integer with its sign where a case of another width shares its core value', () => {
  const variant: WitType = {
    kind: 'variant',
    cases: [
      { name: 'a', type: { kind: 's8' } },
      { name: 'b', type: { kind: 'f64' } },
    ],
  };
  const { glue } = importing('a:b/c', [fn('f', variant, null)]);
  assert.match(glue, 'core1 = (int64_t)arg_value.of.a;');
  assert.match(glue, 'core1 = (int64_t)bits_of_f64(arg_value.of.b);');
});

imports('have types with the names of their interfaces where two would be called the same', () => {
  const error = (of: string): WitType => ({ kind: 'variant', cases: [{ name: of, type: null }] });
  const [here, there, own] = [error('a'), error('b'), error('c')];
  const of = (name: string, type: WitType) => ({
    name,
    functions: [fn('last', { kind: 'u8' }, type, name)],
    types: new Map([['error', type]]),
    resources: new Map(),
  });
  const world = {
    name: 'w',
    functions: [fn('f', { kind: 'u8' }, own)],
    imports: [of('a:one/io@1.0.0', here), of('a:two/io@1.0.0', there)],
    names: new Map([here, there, own].map((type) => [type, 'error'] as const)),
  };
  const { text } = generateBindings(world).header;
  for (const words of ['w_one_io_error_t w_one_io_last(', 'w_two_io_error_t w_two_io_last(', 'w_error_t w_f('])
    assert.ok(text.includes(words), words);
});

imports('of a world without exports leave out what there is to write', () => {
  const { header } = importing('a:b/c', [fn('f', string, null)]);
  assert.not.match(header, 'The functions to write');
  assert.match(header, '/* a:b/c */\n\n/* f: func(value: string) */\nvoid w_b_c_f(w_string_t value);');
});

imports('keep clear of the names of the helpers, and of those of what is exported', () => {
  const functions = [fn('mark', string, null), fn('b-c-f', string, null)];
  assert.match(importing('a:x/c', [], { functions }).header, 'void w_mark_(w_string_t value);');
  const { header } = importing('a:b/c', [fn('f', string, bucket)], { functions });
  assert.match(header, 'void w_b_c_f(w_string_t value);');
  assert.match(header, 'w_bucket_t w_import_b_c_f(w_string_t value);');
  assert.match(
    generateBindings({
      ...{ name: 'w', functions: [], names: new Map() },
      imports: [{ name: null, functions: [fn('f', string, null)], types: new Map(), resources: new Map() }],
    }).glue.text,
    'import_module("$root"), import_name("f")',
  );
  const twice = [fn('f', string, null), { ...fn('f', string, null), interface: null }];
  assert.throws(() => importing('a:x/c', [], { functions: twice }), /would both be called w_f in C; rename one/);
});

for (const [what, wit, words] of [
  [
    'a stream',
    fn('read', { kind: 'list', element: { kind: 'unsupported', what: 'stream<u8>' } }, null),
    /import a:b\/c read: .*: value\[\]: C functions cannot take or give stream<u8>/,
  ],
  [
    'a handle that is lent inside a record',
    fn('put', { kind: 'record', fields: [{ name: 'to', type: lent }] }, null),
    /value\.to: .*lend borrow<bucket> inside a record/,
  ],
  ['an async function', { ...fn('wait', string, null), async: true }, /import a:b\/c wait: .*cannot be async/],
] as const) {
  imports(`refuse ${what}, with the path to it`, () => assert.throws(() => importing('a:b/c', [wit]), words));
}

imports.run();
