import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRequirements } from '../../../../host/cli/deploy/requirement-words.ts';
import { UsageError } from '../../../../host/cli/usage-error.ts';

const words = suite('words of --require');

for (const [given, expected] of [
  [[], []],
  [['memoryMib=512..'], [{ memoryMib: { min: 512 } }]],
  [['processors=..4', 'isa=x86_64'], [{ processors: { max: 4 }, isa: 'x86_64' }]],
  [['processors=2..4'], [{ processors: { min: 2, max: 4 } }]],
  [
    ['processors=2', 'or', 'accelerator=kvm,tcg'],
    [{ processors: 2 }, { accelerator: ['kvm', 'tcg'] }],
  ],
] as const)
  words(`${given.join(' ')} asks for ${JSON.stringify(expected)}`, () =>
    assert.equal(parseRequirements(given), expected),
  );

for (const given of ['memory', 'gpu=1', 'memoryMib=..', 'memoryMib=much'])
  words(`${given} is wrong use`, () =>
    assert.throws(
      () => parseRequirements([given]),
      (error: unknown) => error instanceof UsageError,
    ),
  );

words.run();
