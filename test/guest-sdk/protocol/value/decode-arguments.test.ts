import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  decodeArguments,
  type ErrorCode,
  type ValueFormat,
  type WitFunction,
  type WitType,
} from '../../../../guest-sdk/protocol/index.ts';

const decode = suite('arguments from plain data');

const u8: WitType = { kind: 'u8' };
const u32: WitType = { kind: 'u32' };
const text: WitType = { kind: 'string' };
const list = (element: WitType): WitType => ({ kind: 'list', element });
const option = (some: WitType): WitType => ({ kind: 'option', some });
const record = (fields: Record<string, WitType>): WitType => ({
  kind: 'record',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});
const result = (ok: WitType | null, err: WitType | null): WitType => ({ kind: 'result', ok, err });
const shape: WitType = {
  kind: 'variant',
  cases: [
    { name: 'no-shape', type: null },
    { name: 'circle', type: { kind: 'f64' } },
    { name: 'maybe', type: option(u8) },
  ],
};
const access: WitType = { kind: 'flags', names: ['can-read', 'URL-write', 'x1'] };
const tree = (levels: number): WitType => (levels === 0 ? u8 : { kind: 'tuple', elements: [tree(levels - 1)] });

const takes = (...types: WitType[]): WitFunction => ({
  name: 'f',
  interface: null,
  function: 'f',
  params: types.map((type, index) => ({ name: `p${index}`, type })),
  result: null,
  async: false,
});

const BOTH = ['json', 'msgpack'] as const;

/** Type, plain data, what the bindings take, and in which format when it is not both. */
const ACCEPTED: readonly (readonly [WitType, unknown, unknown, ValueFormat?])[] = [
  [{ kind: 'bool' }, true, true],
  [u8, 0, 0],
  [u8, 255, 255],
  [u8, -0, 0],
  [{ kind: 's8' }, -128, -128],
  [{ kind: 'u16' }, 65535, 65535],
  [{ kind: 's16' }, -32768, -32768],
  [u32, 4294967295, 4294967295],
  [u32, 7n, 7, 'msgpack'],
  [{ kind: 's32' }, -2147483648, -2147483648],
  [{ kind: 'u64' }, 0, 0n],
  [{ kind: 'u64' }, 2 ** 53 - 1, 2n ** 53n - 1n],
  [{ kind: 'u64' }, '9007199254740992', 2n ** 53n, 'json'],
  [{ kind: 'u64' }, '9007199254740993', 2n ** 53n + 1n, 'json'],
  [{ kind: 'u64' }, '18446744073709551615', 2n ** 64n - 1n, 'json'],
  [{ kind: 'u64' }, '7', 7n, 'json'],
  [{ kind: 'u64' }, 2n ** 64n - 1n, 2n ** 64n - 1n, 'msgpack'],
  [{ kind: 's64' }, '-9223372036854775808', -(2n ** 63n), 'json'],
  [{ kind: 's64' }, -(2n ** 63n), -(2n ** 63n), 'msgpack'],
  [{ kind: 's64' }, -0, 0n],
  [{ kind: 'f64' }, -0, -0],
  [{ kind: 'f64' }, 'NaN', Number.NaN],
  [{ kind: 'f64' }, '-Infinity', Number.NEGATIVE_INFINITY],
  [{ kind: 'f64' }, 1e308, 1e308],
  [{ kind: 'f64' }, 2n ** 60n, 2 ** 60, 'msgpack'],
  [{ kind: 'f32' }, 0.1, Math.fround(0.1)],
  [{ kind: 'f32' }, 'Infinity', Number.POSITIVE_INFINITY],
  [{ kind: 'f32' }, 3.4028234663852886e38, 3.4028234663852886e38],
  [{ kind: 'f32' }, 1e-50, 0],
  [{ kind: 'char' }, 'x', 'x'],
  [{ kind: 'char' }, '😀', '😀'],
  [{ kind: 'char' }, '\u0000', '\u0000'],
  [text, '', ''],
  [text, 'grüß 😀', 'grüß 😀'],
  [list(u8), '', new Uint8Array(0), 'json'],
  [list(u8), 'AP8=', Uint8Array.of(0, 255), 'json'],
  [list(u8), Uint8Array.of(0, 255), Uint8Array.of(0, 255), 'msgpack'],
  [list(text), [], []],
  [list({ kind: 's8' }), [-1], Int8Array.of(-1)],
  [list({ kind: 'u16' }), [], new Uint16Array(0)],
  [list({ kind: 'f32' }), [0.5, 'Infinity'], Float32Array.of(0.5, Number.POSITIVE_INFINITY)],
  [list({ kind: 'u64' }), [1, '18446744073709551615'], BigUint64Array.of(1n, 2n ** 64n - 1n), 'json'],
  [list({ kind: 's64' }), [-1], BigInt64Array.of(-1n)],
  [list(list(u32)), [[1], []], [Uint32Array.of(1), new Uint32Array(0)]],
  [{ kind: 'tuple', elements: [] }, [], []],
  [{ kind: 'tuple', elements: [u8, text] }, [1, 'a'], [1, 'a']],
  [
    record({ 'field-a1': u8, 'HTTP-server': text, constructor: u8 }),
    { 'field-a1': 1, 'HTTP-server': 'x', constructor: 2 },
    { fieldA1: 1, httpServer: 'x', constructor: 2 },
  ],
  [record({ a: option(u8) }), {}, { a: undefined }],
  [record({ a: option(option(u8)) }), {}, { a: { tag: 'none' } }],
  [record({}), {}, {}],
  [option(u8), null, undefined],
  [option(u8), 0, 0],
  [option(option(u8)), null, { tag: 'none' }],
  [option(option(u8)), { some: null }, { tag: 'some', val: undefined }],
  [option(option(u8)), { some: 3 }, { tag: 'some', val: 3 }],
  [option(option(option(u8))), null, undefined],
  [option(option(option(u8))), { some: null }, { tag: 'none' }],
  [option(option(option(u8))), { some: { some: null } }, { tag: 'some', val: undefined }],
  [option(option(option(u8))), { some: { some: 3 } }, { tag: 'some', val: 3 }],
  [option(result(null, null)), { ok: null }, { tag: 'ok', val: undefined }],
  [result(u8, text), { ok: 1 }, { tag: 'ok', val: 1 }],
  [result(u8, text), { err: 'no' }, { tag: 'err', val: 'no' }],
  [result(null, option(u8)), { err: null }, { tag: 'err', val: undefined }],
  [shape, { tag: 'no-shape' }, { tag: 'no-shape' }],
  [shape, { tag: 'no-shape', val: null }, { tag: 'no-shape' }],
  [shape, { tag: 'circle', val: 1.5 }, { tag: 'circle', val: 1.5 }],
  [shape, { tag: 'maybe' }, { tag: 'maybe', val: undefined }],
  [{ kind: 'enum', cases: ['one-two', 'HTTP2'] }, 'HTTP2', 'HTTP2'],
  [access, [], { canRead: false, urlWrite: false, x1: false }],
  [access, ['x1', 'can-read'], { canRead: true, urlWrite: false, x1: true }],
  [tree(60), JSON.parse(`${'['.repeat(60)}1${']'.repeat(60)}`), JSON.parse(`${'['.repeat(60)}1${']'.repeat(60)}`)],
];

for (const [type, data, expected, only] of ACCEPTED) {
  for (const format of only === undefined ? BOTH : [only]) {
    const shown = JSON.stringify(data, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
    decode(`${type.kind} takes ${shown.slice(0, 50)} as ${format}`, () => {
      const [value] = decodeArguments(takes(type), [data], format);
      assert.equal(value, expected);
      if (typeof expected === 'number') assert.ok(Object.is(value, expected));
    });
  }
}

const photo = record({ name: text, crop: record({ width: u32, height: u32 }) });

/** Type, plain data, the sentence. */
const REFUSED: readonly (readonly [WitType, unknown, string, ValueFormat?])[] = [
  [{ kind: 'bool' }, 1, '$[0]: expected bool, got 1'],
  [u8, 256, '$[0]: expected u8, got 256'],
  [u8, -1, '$[0]: expected u8, got -1'],
  [u8, 1.5, '$[0]: expected u8, got 1.5'],
  [u8, '1', '$[0]: expected u8, got "1"'],
  [u8, null, '$[0]: expected u8, got null'],
  [u8, Number.NaN, '$[0]: expected u8, got NaN'],
  [{ kind: 's8' }, 128, '$[0]: expected s8, got 128'],
  [{ kind: 'u16' }, 65536, '$[0]: expected u16, got 65536'],
  [{ kind: 's16' }, 32768, '$[0]: expected s16, got 32768'],
  [u32, 4294967296, '$[0]: expected u32, got 4294967296'],
  [u32, -1, '$[0]: expected u32, got -1'],
  [list(u32), [0, -1], '$[0][1]: expected u32, got -1'],
  [u32, 2n ** 64n - 1n, '$[0]: expected u32, got 18446744073709551615', 'msgpack'],
  [{ kind: 's32' }, -2147483649, '$[0]: expected s32, got -2147483649'],
  [
    { kind: 'u64' },
    2 ** 53,
    '$[0]: expected u64 (a decimal string in JSON when it is beyond 2^53), got 9007199254740992',
  ],
  [
    { kind: 'u64' },
    '18446744073709551616',
    '$[0]: expected u64 (a decimal string in JSON when it is beyond 2^53), got "18446744073709551616"',
    'json',
  ],
  [{ kind: 'u64' }, '-1', '$[0]: expected u64 (a decimal string in JSON when it is beyond 2^53), got "-1"', 'json'],
  ...['', '+1', '01', ' 1', '1 ', '0x1', '1e3', '-0', '１'].map(
    (bad) =>
      [
        { kind: 's64' },
        bad,
        `$[0]: expected s64 (a decimal string in JSON when it is beyond 2^53), got ${JSON.stringify(bad)}`,
      ] as const,
  ),
  [{ kind: 's64' }, '7', '$[0]: expected s64 (a decimal string in JSON when it is beyond 2^53), got "7"', 'msgpack'],
  [
    { kind: 's64' },
    '9223372036854775808',
    '$[0]: expected s64 (a decimal string in JSON when it is beyond 2^53), got "9223372036854775808"',
    'json',
  ],
  [{ kind: 'f64' }, 'nan', '$[0]: expected f64, got "nan"'],
  [{ kind: 'f64' }, '1', '$[0]: expected f64, got "1"'],
  [{ kind: 'f64' }, 2n ** 60n + 1n, '$[0]: expected f64, got 1152921504606846977', 'msgpack'],
  [{ kind: 'f32' }, 1e39, '$[0]: expected f32, got 1e+39'],
  [{ kind: 'char' }, '', '$[0]: expected char: a string of one Unicode scalar value, got ""'],
  [{ kind: 'char' }, 'ab', '$[0]: expected char: a string of one Unicode scalar value, got "ab"'],
  [{ kind: 'char' }, '\ud83d', '$[0]: expected char: a string of one Unicode scalar value, got "\\ud83d"'],
  [{ kind: 'char' }, 'e\u0301', '$[0]: expected char: a string of one Unicode scalar value, got "e\u0301"'],
  [text, 'a\udc00b', '$[0]: expected string without unpaired surrogates, got "a\\udc00b"'],
  [text, 5, '$[0]: expected string, got 5'],
  ...['A', 'AA', 'AA=', 'AA==\n', 'AB==', 'AAB=', 'AA-_', '=AAA', 'A===', 'AA==AA==', 'AAÄ='].map(
    (bad) =>
      [
        list(u8),
        bad,
        `$[0]: expected list<u8>: a base64 string (padded, without line breaks), got ${JSON.stringify(bad)}`,
        'json',
      ] as const,
  ),
  [
    list(u8),
    [1, 2],
    '$[0]: expected list<u8>: a base64 string (padded, without line breaks), got an array of 2',
    'json',
  ],
  [list(u8), 'AA==', '$[0]: expected list<u8>: bin, got "AA=="', 'msgpack'],
  [list(text), 'x', '$[0]: expected list<string>: an array, got "x"'],
  [list(text), ['x', 1], '$[0][1]: expected string, got 1'],
  [list({ kind: 'u16' }), [1, 70000], '$[0][1]: expected u16, got 70000'],
  [list({ kind: 'u16' }), Uint8Array.of(1), '$[0]: expected list<u16>: an array, got 1 bytes', 'msgpack'],
  [{ kind: 'tuple', elements: [u8, u8] }, [1], '$[0]: expected tuple: an array of 2, got an array of 1'],
  [{ kind: 'tuple', elements: [u8, u8] }, { 0: 1, 1: 2 }, '$[0]: expected tuple: an array of 2, got an object'],
  [photo, { name: 'x', crop: { width: 'x', height: 1 } }, '$[0].crop.width: expected u32, got "x"'],
  [photo, { name: 'x' }, '$[0]: expected the field "crop": record { width: u32, height: u32 }, got nothing'],
  [photo, [], '$[0]: expected record: an object with name, crop, got an array of 0'],
  [photo, null, '$[0]: expected record: an object with name, crop, got null'],
  [
    photo,
    { name: 'x', crop: { width: 1, height: 1, depth: 1 } },
    '$[0].crop: expected no fields but width, height, got "depth"',
  ],
  [record({}), JSON.parse('{"__proto__": {"x": 1}}'), '$[0]: expected no fields but , got "__proto__"'],
  [record({ constructor: u8 }), {}, '$[0]: expected the field "constructor": u8, got nothing'],
  [option(option(u8)), 3, '$[0]: expected option<option<u8>>: null or {"some": …}, got 3'],
  [option(option(u8)), { some: 1, none: 1 }, '$[0]: expected option<option<u8>>: null or {"some": …}, got an object'],
  [option(option(u8)), { some: 'x' }, '$[0].some: expected u8, got "x"'],
  [result(u8, text), { ok: 1, err: 'x' }, '$[0]: expected result: an object with either "ok" or "err", got an object'],
  [result(u8, text), {}, '$[0]: expected result: an object with either "ok" or "err", got an object'],
  [result(u8, text), { ok: 'x' }, '$[0].ok: expected u8, got "x"'],
  [result(null, null), { ok: 1 }, '$[0].ok: expected null, since this case carries nothing, got 1'],
  [
    shape,
    { tag: 'square' },
    '$[0]: expected variant: an object whose "tag" is one of no-shape, circle, maybe, got "square"',
  ],
  [shape, 'circle', '$[0]: expected variant: an object whose "tag" is one of no-shape, circle, maybe, got "circle"'],
  [
    shape,
    JSON.parse('{"__proto__": {"tag": "circle"}}'),
    '$[0]: expected variant: an object whose "tag" is one of no-shape, circle, maybe, got nothing',
  ],
  [shape, { tag: 'circle' }, '$[0].val: expected f64, got null'],
  [shape, { tag: 'no-shape', val: 1 }, '$[0].val: expected null, since this case carries nothing, got 1'],
  [shape, { tag: 'circle', val: 1, more: 2 }, '$[0]: expected no fields but tag, val, got "more"'],
  [{ kind: 'enum', cases: ['a', 'b'] }, 'toString', '$[0]: expected one of a, b, got "toString"'],
  [access, ['can-write'], '$[0][0]: expected one of can-read, URL-write, x1, got "can-write"'],
  [access, ['x1', 'x1'], '$[0][1]: expected each flag once, got "x1"'],
  [access, { 'can-read': true }, '$[0]: expected flags: an array of can-read, URL-write, x1, got an object'],
  [text, { x: 'y'.repeat(99) }, '$[0]: expected string, got an object'],
  [u8, 'y'.repeat(99), `$[0]: expected u8, got "${'y'.repeat(40)}"… (99 characters)`],
];

function refused(work: () => unknown, code: ErrorCode, sentence: string): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).message, sentence);
    assert.is((error as CloudletError).code, code);
    return;
  }
  assert.unreachable(`expected a refusal: ${sentence}`);
}

for (const [type, data, sentence, only] of REFUSED) {
  for (const format of only === undefined ? BOTH : [only]) {
    decode(`${format}: ${sentence}`, () =>
      refused(() => decodeArguments(takes(type), [data], format), 'argument-invalid', sentence),
    );
  }
}

decode('the path names the argument', () => {
  refused(
    () => decodeArguments(takes(u8, photo), [1, { name: 'a', crop: { width: 'x', height: 1 } }], 'json'),
    'argument-invalid',
    '$[1].crop.width: expected u32, got "x"',
  );
});

decode('the number of arguments is checked, and the signature is told', () => {
  for (const [data, got] of [
    [[1], 'an array of 1'],
    [[1, 2, 3], 'an array of 3'],
    [{}, 'an object'],
    [null, 'null'],
  ] as const) {
    refused(
      () => decodeArguments(takes(u8, text), data, 'json'),
      'argument-invalid',
      `$: expected an array of 2 arguments (p0: u8, p1: string), got ${got}`,
    );
  }
  refused(
    () => decodeArguments(takes(), [1], 'json'),
    'argument-invalid',
    '$: expected an array of 0 arguments, got an array of 1',
  );
  assert.equal(decodeArguments(takes(), [], 'json'), []);
});

decode('a resource anywhere in a parameter or the result is refused by name, whatever the data', () => {
  const handle: WitType = { kind: 'unsupported', what: 'own<blob>' };
  refused(
    () => decodeArguments(takes(u8, list(option(handle))), [], 'json'),
    'unsupported-type',
    'expected parameter "p1" of "f" to be plain data, got own<blob>, which cannot be carried over HTTP yet',
  );
  refused(
    () => decodeArguments({ ...takes(), result: result(null, handle) }, [], 'json'),
    'unsupported-type',
    'expected the result of "f" to be plain data, got own<blob>, which cannot be carried over HTTP yet',
  );
});

decode('types that nest too deep are refused, also when shared parts hide the depth', () => {
  const sentence = 'expected parameter "p0" of "f" to nest at most 64 types, got more';
  refused(() => decodeArguments(takes(tree(64)), [1], 'json'), 'unsupported-type', sentence);
  let shared = tree(40);
  const parts = [shared];
  for (let level = 0; level < 40; level += 1) shared = { kind: 'tuple', elements: [shared] };
  parts.push(shared);
  refused(() => decodeArguments(takes({ kind: 'tuple', elements: parts }), [1], 'json'), 'unsupported-type', sentence);
});

decode.run();
