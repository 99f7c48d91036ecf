import { deepStrictEqual } from 'node:assert/strict';
import {
  CloudletError,
  decodeArguments,
  encodeResult,
  parseJson,
  readBindingValue,
  readMessagePack,
  type ValueFormat,
  writeBindingValue,
  writeMessagePack,
} from '../../guest-sdk/protocol/index.ts';
import type { SeededRandom } from '../support/random.ts';
import { bindingKeys, echoOf, randomType, randomValue } from '../support/wit-values.ts';
import type { FuzzTarget } from './run.ts';

const BUDGET_BYTES = 1_000_000;

/**
 * A value of any type survives the whole way: text, plain data, bindings, bytes to the agent and back, plain data, text.
 * Data of any shape, from either side, ends in `CloudletError` and in nothing else.
 */
const values: FuzzTarget = (random) => {
  const type = randomType(random, 5);
  const echo = echoOf(type);
  for (const format of ['json', 'msgpack'] as const) {
    const sent = through(format, randomValue(random, type, format));
    const args = readBindingValue(writeBindingValue(decodeArguments(echo, [sent], format))) as unknown[];
    const returned = readBindingValue(writeBindingValue(args[0]));
    deepStrictEqual(through(format, encodeResult(echo, returned, format, BUDGET_BYTES)), sent);

    refusedOrFine(() => decodeArguments(echo, [spoilt(random, sent)], format));
    refusedOrFine(() => decodeArguments(echo, [anything(random, 4)], format));
    refusedOrFine(() => encodeResult(echo, spoilt(random, returned, bindingKeys(type)), format, BUDGET_BYTES));
    refusedOrFine(() => encodeResult(echo, anything(random, 4), format, random.below(20)));
  }
  refusedOrFine(() => readMessagePack(random.mutate(writeBindingValue(anything(random, 4)))));
  refusedOrFine(() => readBindingValue(random.mutate(writeBindingValue(anything(random, 4)))));
  refusedOrFine(() => readBindingValue(random.bytes(random.below(40))));
  refusedOrFine(() =>
    parseJson(
      new TextDecoder().decode(random.mutate(new TextEncoder().encode(JSON.stringify(jsonOf(anything(random, 4)))))),
    ),
  );
};

function through(format: ValueFormat, data: unknown): unknown {
  return format === 'json' ? parseJson(JSON.stringify(data, minusZero)) : readMessagePack(writeMessagePack(data));
}

/** What a careful sender does for a value that `JSON.stringify` would lose. */
function minusZero(_key: string, value: unknown): unknown {
  return Object.is(value, -0) ? (JSON as unknown as { rawJSON(text: string): object }).rawJSON('-0') : value;
}

function refusedOrFine(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
  }
}

function anything(random: SeededRandom, depth: number): unknown {
  const leaf = [
    null,
    undefined,
    true,
    0,
    -1,
    1.5,
    2 ** 53,
    2n ** 64n - 1n,
    '',
    'ok',
    '\ud800',
    random.bytes(3),
    new Float32Array(2),
  ];
  if (depth === 0 || random.below(3) === 0) return random.pick(leaf);
  const part = () => anything(random, depth - 1);
  if (random.below(2) === 0) return Array.from({ length: random.below(4) }, part);
  const keys = ['tag', 'val', 'ok', 'err', 'some', 'a', 'fieldA1', 'field-a1', 'constructor', 'length'];
  return Object.fromEntries(Array.from({ length: random.below(4) }, () => [random.pick(keys), part()]));
}

/** A copy of the data with one part replaced, added or removed. */
function spoilt(random: SeededRandom, data: unknown, keys: readonly string[] = []): unknown {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data) || random.below(4) === 0)
    return anything(random, 2);
  const copy: Record<string, unknown> = Array.isArray(data)
    ? ([...data] as unknown as Record<string, unknown>)
    : { ...data };
  const key = random.pick([...Object.keys(copy), ...keys, '__proto__', 'extra']);
  if (random.below(3) === 0) delete copy[key];
  else
    Object.defineProperty(copy, key, {
      value: spoilt(random, copy[key]),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
}

function jsonOf(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data ?? null, (_, value) => (typeof value === 'bigint' ? value.toString() : value)));
}

export default values;
