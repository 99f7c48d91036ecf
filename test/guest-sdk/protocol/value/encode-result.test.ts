import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type ErrorCode,
  encodeResult,
  type ValueFormat,
  type WitType,
} from '../../../../guest-sdk/protocol/index.ts';
import { echoOf } from '../../../support/wit-values.ts';

const encode = suite('results as plain data');

const u8: WitType = { kind: 'u8' };
const list = (element: WitType): WitType => ({ kind: 'list', element });
const option = (some: WitType): WitType => ({ kind: 'option', some });
const person: WitType = {
  kind: 'record',
  fields: [
    { name: 'first-name', type: { kind: 'string' } },
    { name: 'constructor', type: option(u8) },
  ],
};
const shape: WitType = {
  kind: 'variant',
  cases: [
    { name: 'none', type: null },
    { name: 'side', type: u8 },
  ],
};
const either: WitType = { kind: 'result', ok: u8, err: null };
const access: WitType = { kind: 'flags', names: ['can-read', 'x1'] };
const BUDGET = 1000;

/** Type, what the bindings gave, plain data in JSON, and in MessagePack where it differs. */
const ACCEPTED: readonly (readonly [WitType, unknown, unknown, unknown?])[] = [
  [{ kind: 'u64' }, 2n ** 64n - 1n, '18446744073709551615', 2n ** 64n - 1n],
  [{ kind: 'u64' }, 2n ** 53n - 1n, 2 ** 53 - 1, 2n ** 53n - 1n],
  [{ kind: 'u64' }, 2n ** 53n, '9007199254740992', 2n ** 53n],
  [{ kind: 's64' }, -(2n ** 63n), '-9223372036854775808', -(2n ** 63n)],
  [{ kind: 's64' }, 5, 5, 5n],
  [{ kind: 'f64' }, Number.NaN, 'NaN'],
  [{ kind: 'f32' }, Number.NEGATIVE_INFINITY, '-Infinity'],
  [{ kind: 'f32' }, Math.fround(0.1), 0.10000000149011612],
  [list(u8), Uint8Array.of(1, 2), 'AQI=', Uint8Array.of(1, 2)],
  [list({ kind: 'u16' }), Uint16Array.of(1, 2), [1, 2]],
  [list({ kind: 's64' }), BigInt64Array.of(-1n), [-1], [-1n]],
  [list({ kind: 'f32' }), [0.5], [0.5]],
  [list({ kind: 'string' }), [], []],
  [person, { firstName: 'x', constructor: 3, stranger: 1 }, { 'first-name': 'x', constructor: 3 }],
  [person, { firstName: 'x' }, { 'first-name': 'x', constructor: null }],
  [shape, { tag: 'none' }, { tag: 'none' }],
  [shape, { tag: 'side', val: 3 }, { tag: 'side', val: 3 }],
  [either, { tag: 'ok', val: 3 }, { ok: 3 }],
  [either, { tag: 'err', val: undefined }, { err: null }],
  [either, { tag: 'err' }, { err: null }],
  [access, { canRead: true, x1: false }, ['can-read']],
  [option(u8), undefined, null],
  [option(u8), null, null],
  [option(option(u8)), { tag: 'none' }, null],
  [option(option(u8)), { tag: 'some', val: undefined }, { some: null }],
  [option(option(option(u8))), { tag: 'none' }, { some: null }],
  [option(option(option(u8))), undefined, null],
];

for (const [type, value, json, msgpack = json] of ACCEPTED) {
  encode(`${type.kind} gives ${typeof json === 'bigint' ? json : JSON.stringify(json)}`, () => {
    assert.equal(encodeResult(echoOf(type), value, 'json', BUDGET), json);
    assert.equal(encodeResult(echoOf(type), value, 'msgpack', BUDGET), msgpack);
  });
}

encode('a minus zero is not lost in JSON text, nor in MessagePack', () => {
  const json = encodeResult(echoOf(list({ kind: 'f64' })), Float64Array.of(-0, 0), 'json', BUDGET);
  assert.is(JSON.stringify(json), '[-0,0]');
  assert.ok(Object.is(encodeResult(echoOf({ kind: 'f32' }), -0, 'msgpack', BUDGET), -0));
});

encode('a function that returns nothing gives null', () => {
  const nothing = { ...echoOf(u8), params: [], result: null };
  assert.is(encodeResult(nothing, undefined, 'json', BUDGET), null);
  refused(() => encodeResult(nothing, 1, 'json', BUDGET), 'guest-response-invalid', '$: expected nothing, got 1');
});

const inherited = Object.create({ firstName: 'inherited' }) as object;

/** Type, what a hostile guest gave, where and why it is refused. */
const REFUSED: readonly (readonly [WitType, unknown, string])[] = [
  [u8, 256, '$: expected u8, got 256'],
  [u8, undefined, '$: expected u8, got nothing'],
  [{ kind: 'u64' }, 2n ** 64n, '$: expected u64, got 18446744073709551616'],
  [{ kind: 'u64' }, '1', '$: expected u64, got "1"'],
  [{ kind: 'f64' }, 'NaN', '$: expected f64, got "NaN"'],
  [{ kind: 'string' }, '\ud800', '$: expected string, got "\\ud800"'],
  [{ kind: 'char' }, 'ab', '$: expected char, got "ab"'],
  [{ kind: 'bool' }, 0, '$: expected bool, got 0'],
  [list(u8), [1, 2], '$: expected bytes, got an array of 2'],
  [list({ kind: 'u16' }), Uint8Array.of(1), '$: expected a list, got 1 bytes'],
  [list({ kind: 'u16' }), { length: 2 ** 31 }, '$: expected a list, got an object'],
  [list(u8), { length: 5 }, '$: expected bytes, got an object'],
  [list({ kind: 'string' }), ['a', 1], '$[1]: expected string, got 1'],
  [{ kind: 'tuple', elements: [u8] }, [1, 2], '$: expected an array of 1, got an array of 2'],
  [person, inherited, '$.first-name: expected string, got nothing'],
  [person, null, '$: expected an object, got null'],
  [person, Uint8Array.of(1), '$: expected an object, got 1 bytes'],
  [shape, { tag: 'toString' }, '$: expected a tag of none, side, got "toString"'],
  [shape, { tag: 'side' }, '$.val: expected u8, got nothing'],
  [either, { tag: 'constructor' }, '$: expected a tag of ok, err, got "constructor"'],
  [access, { canRead: 1 }, '$: expected a boolean for the flag can-read, got 1'],
  [option(option(u8)), 3, '$: expected an object, got 3'],
  [option(option(u8)), { tag: 'some', val: 300 }, '$.some: expected u8, got 300'],
  [{ kind: 'enum', cases: ['a'] }, 'b', '$: expected one of a, got "b"'],
];

function refused(work: () => unknown, code: ErrorCode, where: string): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, code);
    assert.ok((error as CloudletError).message.endsWith(where), (error as CloudletError).message);
    return;
  }
  assert.unreachable(`expected a refusal: ${where}`);
}

for (const [type, value, where] of REFUSED) {
  encode(`${type.kind} refuses ${where}`, () => {
    for (const format of ['json', 'msgpack'] as const) {
      refused(() => encodeResult(echoOf(type), value, format, BUDGET), 'guest-response-invalid', where);
    }
  });
}

const tooLarge: readonly (readonly [string, WitType, unknown, ValueFormat])[] = [
  ['bytes', list(u8), new Uint8Array(1001), 'msgpack'],
  ['bytes that grow as base64', list(u8), new Uint8Array(800), 'json'],
  ['a string', { kind: 'string' }, 'x'.repeat(1001), 'json'],
  ['many small items', list({ kind: 'bool' }), new Array(600).fill(true), 'json'],
  ['empty tuples', list({ kind: 'tuple', elements: [] }), new Array(600).fill([]), 'json'],
  ['aliases of one large part', list(list(u8)), new Array(20).fill(new Uint8Array(100)), 'msgpack'],
  ['names of fields', list(person), new Array(40).fill({ firstName: '' }), 'msgpack'],
];
for (const [what, type, value, format] of tooLarge) {
  encode(`${what} beyond the budget are refused before they are built`, () => {
    refused(
      () => encodeResult(echoOf(type), value, format, BUDGET),
      'result-too-large',
      'at most 1000 bytes, got more',
    );
  });
}

encode.run();
