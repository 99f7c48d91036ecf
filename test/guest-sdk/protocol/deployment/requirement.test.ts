import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CloudletFacts,
  parseDeploymentRequest,
  type Requirements,
  unmetRequirements,
} from '../../../../guest-sdk/protocol/index.ts';

const requirements = suite('requirements');

const FACTS: CloudletFacts = {
  ...{ memoryMib: 2048, diskMib: 10_000, processors: 4 },
  ...{ isa: 'x86_64', accelerator: 'tcg', mechanism: ['push', 'cached'] },
};

const CASES: readonly (readonly [string, Requirements, readonly string[] | null])[] = [
  ['nothing is met', [], null],
  ['an empty alternative is met', [{}], null],
  ['a number within its bounds', [{ memoryMib: { min: 1024, max: 2048 } }], null],
  ['a number below', [{ memoryMib: { min: 4096 } }], ['memoryMib must be at least 4096, is 2048']],
  ['a number above', [{ processors: { max: 2 } }], ['processors must be at most 2, is 4']],
  ['a number that is another', [{ processors: 2 }], ['processors must be 2, is 4']],
  ['a word', [{ isa: 'x86_64' }], null],
  ['one of some words', [{ accelerator: ['kvm', 'tcg'] }], null],
  ['none of them', [{ accelerator: ['kvm'] }], ['accelerator must be kvm, is tcg']],
  ['one of several that it has', [{ mechanism: 'cached' }], null],
  ['none that it has', [{ mechanism: 'synthesis' }], ['mechanism must be synthesis, is push, cached']],
  ['one of two alternatives', [{ accelerator: 'kvm' }, { processors: { min: 4 } }], null],
  [
    'no alternative: each says all that is missing',
    [{ accelerator: 'kvm', isa: 'aarch64' }, { processors: { min: 8, max: 16 } }],
    [
      'accelerator must be kvm, is tcg and isa must be aarch64, is x86_64',
      'processors must be at least 8 and at most 16, is 4',
    ],
  ],
];
for (const [what, alternatives, unmet] of CASES)
  requirements(what, () => assert.equal(unmetRequirements(alternatives, FACTS), unmet));

const want = { function: 'photo' };
const digest = `sha256:${'a'.repeat(64)}`;
const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ['no wish', {}, /want is missing/],
  [
    'an unknown key',
    { want, rquirements: [] },
    /rquirements is not a known key; expected one of want, requirements, have/,
  ],
  ['an unknown requirement', { want, requirements: [{ gpu: 1 }] }, /gpu is not a known key; expected one of memoryMib/],
  ['bounds of nothing', { want, requirements: [{ diskMib: {} }] }, /min, max or both/],
  ['a name that is none', { want: { function: 'Photo' } }, /want.function must be a name/],
  ['a part that is too long', { want: { ...want, parts: [{ digest, bytes: 4 * 1024 ** 2 + 1 }] } }, /parts.0.bytes/],
  ['a digest that is none', { want: { ...want, digest: 'sha256:x' } }, /want.digest must be a digest/],
  ['an address of another kind', { want: { ...want, from: 'file:///etc/passwd' } }, /want.from must be an address/],
];
for (const [what, request, message] of REFUSED)
  requirements(`a request with ${what} is refused`, () =>
    assert.throws(() => parseDeploymentRequest(request), message),
  );

requirements.run();
