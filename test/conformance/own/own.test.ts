// end to end
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_EXPECTATIONS } from '../expectations.ts';
import { lineOf, type Outcome } from '../outcome.ts';
import { runSuite } from '../suite/run-suite.ts';
import { buildPrograms } from './build-programs.ts';
import { wasiFunctions } from './wit-functions.ts';

/**
 * Functions that no program of ours calls yet, and why. Who makes one of them work adds it to a program here and takes its line away:
 * a line whose functions are called is an error.
 */
const NOT_CALLED: readonly (readonly [prefix: string, why: string])[] = [
  ['wasi:cli/exit ', 'they do not return: first.wat and exits.c end by them'],
  ['wasi:cli/run ', 'it is what a program exports'],
  ['wasi:clocks/timezone ', 'unstable, and not given'],
  ['wasi:http/incoming-handler ', 'it is what a program exports'],
  ['wasi:http/types ResponseOutparam.sendInformational', 'unstable, and refused'],
  ['wasi:sockets/network networkErrorCode', 'unstable, and not given'],
];

const own = suite('programs of our own');

own('do what they should, and call every function of WASI 0.2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-own-'));
  const outcomes: Outcome[] = [];
  try {
    await buildPrograms(folder);
    const onOutcome = (outcome: Outcome): void => void outcomes.push(outcome);
    await runSuite({ folder, sandbox: 'process', filter: '', expectations: NO_EXPECTATIONS, onOutcome });
  } finally {
    await rm(folder, { recursive: true });
  }
  assert.equal(
    outcomes.map(lineOf).filter((line) => line !== null),
    [],
  );
  assert.equal(outcomes.map(({ test }) => test).sort(), [
    'dialog',
    'exits',
    'files',
    'first',
    'http',
    'nothing',
    'request',
    'sockets',
    'system',
  ]);

  const said = outcomes.map(({ result }) => (result.kind === 'passed' ? (result.said ?? '') : '')).join('\n');
  const called = new Set([...said.matchAll(/called (wasi:[a-z-]+\/[a-z-]+ [A-Za-z0-9.]+)/g)].map((match) => match[1]!));
  const functions = wasiFunctions();
  const isExcused = (name: string): boolean => NOT_CALLED.some(([prefix]) => name.startsWith(prefix));
  assert.ok(functions.length > 170);
  assert.equal(
    functions.filter((name) => !called.has(name) && !isExcused(name)),
    [],
    'never called',
  );
  assert.equal([...called].filter(isExcused), [], 'called, and still said not to be');
  assert.equal(
    NOT_CALLED.filter(([prefix]) => !functions.some((name) => name.startsWith(prefix))),
    [],
    'excuses for nothing',
  );
});

own.run();
