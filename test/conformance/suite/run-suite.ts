import { HostLab } from '../../support/host-lab.ts';
import type { Expectations } from '../expectations.ts';
import type { Outcome, Result } from '../outcome.ts';
import { findTests, type SuiteTest } from './find-tests.ts';
import { STEP_MS } from './guest-program.ts';
import { runTest } from './run-test.ts';

/** What is run and how. */
export interface SuiteRun {
  readonly folder: string;
  readonly sandbox: 'process' | 'microvm';
  /** Only tests whose suite and name contain it. */
  readonly filter: string;
  readonly expectations: Expectations;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Runs the tests below a folder, one after the other, on one real host with a data directory of its own. */
export async function runSuite({ folder, sandbox, filter, expectations, onOutcome }: SuiteRun): Promise<void> {
  const tests = (await findTests(folder)).filter(({ suite, name }) => `${suite} ${name}`.includes(filter));
  if (tests.length === 0) throw new Error(`expected a test with ${JSON.stringify(filter)} in its name, got none`);
  const host = await HostLab.open(sandbox, LOOPBACK_POLICY);
  let isLeft = false;
  // Whoever ends the run alone would leave its host behind.
  const leave = (_: NodeJS.Signals, number: number): void => {
    isLeft = true;
    void host.close().finally(() => process.exit(128 + number));
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    for (const [index, test] of tests.entries()) {
      const expectation = expectations(test.suite, test.name);
      const result: Result =
        expectation?.kind === 'skip'
          ? { kind: 'skipped', detail: expectation.reason }
          : await runTest(host, test, functionName(test, index), STEP_MS[sandbox]);
      if (isLeft) return;
      const expected = expectation?.kind === 'fail' ? expectation.reason : null;
      onOutcome({ suite: test.suite, test: test.name, result, expected });
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    await host.close();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What this runner's host allows and no other does: the loopback, where the servers of the tests are. */
const LOOPBACK_POLICY = {
  http: ['127.0.0.1:*'],
  sockets: { tcp: ['127.0.0.1:*', '[::1]:*'], udp: ['127.0.0.1:*', '[::1]:*'], lookup: true, listen: true },
  privateNetworks: ['127.0.0.0/8', '::1/128'],
};

/** A name under which a test can be published. */
function functionName(test: SuiteTest, index: number): string {
  const plain = test.name.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  return `t${index}-${plain}`.slice(0, 63);
}
