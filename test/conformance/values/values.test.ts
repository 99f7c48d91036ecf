// end to end
import { deepStrictEqual } from 'node:assert/strict';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  digestOfHex,
  parseJson,
  readMessagePack,
  type ValueFormat,
  type WitType,
  writeMessagePack,
} from '../../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../../../runtime/component/inspect.ts';
import { transpile } from '../../../runtime/component/transpile.ts';
import { typedInput, typedResult } from '../../../runtime/invocation/typed-call.ts';
import { startSandbox } from '../../../runtime/sandbox/index.ts';
import { SeededRandom } from '../../support/random.ts';
import { finish, startTestProcess, TEST_GRANT } from '../../support/sandbox-lab.ts';
import { randomType, randomValue } from '../../support/wit-values.ts';
import { echoComponent, functionOf, PADDING, REPEATED } from './echo-component.ts';

const TYPES = 240;
const VALUES = 3;
const LIMIT_BYTES = 1024 * 1024;

/** Every kind that a value can have. */
const KINDS = [
  ...['bool', 's8', 'u8', 's16', 'u16', 's32', 'u32', 's64', 'u64', 'f32', 'f64', 'char', 'string'],
  ...['list', 'tuple', 'record', 'variant', 'enum', 'flags', 'option', 'result'],
];

const seed = Number(process.env['SEED'] ?? Date.now() >>> 0);
process.stdout.write(`values: seed ${seed} (repeat with SEED=${seed})\n`);

const values = suite('values of random types, through a real component');

values('come back as they went, as JSON and as MessagePack', async () => {
  const random = new SeededRandom(seed);
  const types: WitType[] = [];
  while (types.length < TYPES) {
    const type = randomType(random, 1 + random.below(5));
    // WIT has no empty tuple.
    if (!holds(type, (each) => each.kind === 'tuple' && each.elements.length === 0)) types.push(type);
  }
  assert.equal(
    KINDS.filter((kind) => !types.some((type) => holds(type, (each) => each.kind === kind))),
    [],
  );

  const component = await echoComponent(types);
  const { functions } = inspectComponent(component);
  assert.is(functions.length, TYPES);
  const artifact = await transpile(component, digestOfHex('0'.repeat(64)));
  const sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  let calls = 0;
  try {
    await sandbox.load({ program: 'echo', artifact, grant: TEST_GRANT });
    for (const [index, type] of types.entries()) {
      const fn = functions.find(({ name }) => name === functionOf(index))!;
      assert.equal(fn.params[0]!.type, type);
      for (let round = 0; round < VALUES; round += 1) {
        for (const format of ['json', 'msgpack'] as const) {
          const value = travelled(format, randomValue(random, type, format));
          const padding = Array.from({ length: PADDING }, (_, at) => at);
          const input = typedInput(fn, [value, ...padding], format, LIMIT_BYTES);
          const call = sandbox.invoke({ door: 'call', target: fn.name }, input, { deadlineMs: 20_000, log: () => {} });
          const { output } = await finish(call);
          const result = typedResult(fn, output, format, LIMIT_BYTES);
          const expected = [value, ...padding.slice(0, REPEATED)];
          deepStrictEqual(
            travelled(format, result),
            travelled(format, expected),
            `type ${index}: ${JSON.stringify(type)}`,
          );
          calls += 1;
        }
      }
    }
  } finally {
    await sandbox.close();
  }
  assert.is(calls, TYPES * VALUES * 2);
});

/** Plain data after it was text or bytes, as it is between a caller and a host. `JSON.stringify` alone would lose a minus before a zero. */
function travelled(format: ValueFormat, data: unknown): unknown {
  if (format === 'msgpack') return readMessagePack(writeMessagePack(data));
  const raw = JSON as unknown as { rawJSON(text: string): object };
  return parseJson(JSON.stringify(data, (_, each) => (Object.is(each, -0) ? raw.rawJSON('-0') : each)));
}

/** Whether a type is, or has within it, one of a kind. */
function holds(type: WitType, is: (type: WitType) => boolean): boolean {
  if (is(type)) return true;
  const parts = (): (WitType | null)[] => {
    switch (type.kind) {
      case 'list':
        return [type.element];
      case 'tuple':
        return [...type.elements];
      case 'option':
        return [type.some];
      case 'result':
        return [type.ok, type.err];
      case 'record':
        return type.fields.map((field) => field.type);
      case 'variant':
        return type.cases.map((each) => each.type);
      default:
        return [];
    }
  };
  return parts().some((part) => part !== null && holds(part, is));
}

values.run();
