import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Case, type CaseDoors, caseName, checkCase } from '../../../guest-sdk/build/index.ts';

const cases = suite('a case');
const doors: CaseDoors = {
  call: async (target, ...args) => ({ target, args }),
  run: async (args, input) => ({ status: args.length, output: input }),
  request: async (path, { method, body = '' }) => ({ status: 200, text: `${method} ${path} ${body}` }),
};

for (const [each, name, reason] of [
  [{ call: 'f', arguments: [1, 'a'], answer: { target: 'f', args: [1, 'a'] } }, 'call f 1 "a"', undefined],
  [{ run: ['-n'], input: 'x', output: 'x', status: 1 }, 'run -n', undefined],
  [{ http: 'POST', path: '/p', body: 'b', status: 200, answer: 'POST /p b' }, 'POST /p', undefined],
  [
    { http: 'GET', path: '/p', status: 404, answer: '' },
    'GET /p',
    'expected {"status":404,"answer":""}\n     got {"status":200,"answer":"GET /p "}',
  ],
] as const)
  cases(`${name} ${reason === undefined ? 'passes' : 'says what came'}`, async () => {
    const checked = await checkCase(each as unknown as Case, doors);
    assert.equal([checked.name, checked.passed, checked.reason], [name, reason === undefined, reason]);
    assert.is(caseName(each as unknown as Case), name);
  });

cases('that nothing answers says why', async () => {
  const silent = { ...doors, call: () => Promise.reject(new Error('no answer')) };
  const { passed, reason } = await checkCase({ call: 'f', arguments: [], answer: 1 }, silent);
  assert.equal([passed, reason], [false, 'no answer']);
});

cases.run();
