import { resolve } from 'node:path';
import { Option } from 'commander';
import { withHostFlags } from './host-access/host-flags.ts';
import type { TestFlags } from './test/test-session.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

const HELP = `
Tests are the cases of test/cases.json and files test/*.test.ts and *.test.js, which use node:test and get the function so:
  import { functionUnderTest } from 'cloudlet/client';
  const answer = await functionUnderTest().request('/hello');
What they write goes to stderr. A file that does not end in time is ended, and has failed; the others are run all the same.
They run in a host of their own, with what cloudlet.json asks for; with --to on another one, as test-NAME, which is removed afterwards.`;

const verb: Verb = (program, { interruption, setStatus }) => {
  const command = program
    .command('test [dir]')
    .description('build a project and run its tests against the function')
    .option('--filter <text>', 'only tests whose name has it')
    .option('--timeout <seconds>', 'how long a test file may take (default 60)')
    .option('--watch', 'again after each change')
    .addOption(new Option('--sandbox <kind>', 'where it runs (default process)').choices(['process', 'microvm']))
    .option('--policy <file>', 'what functions may be granted, as for serve')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP);
  withHostFlags(command).action(async (directory: string | undefined, flags: TestFlags) => {
    if (flags.to !== undefined && (flags.sandbox ?? flags.policy) !== undefined)
      throw new UsageError('expected --sandbox and --policy without --to: the host there has its own');
    const { testProject } = await import('./test/test-session.ts');
    if (!(await testProject(resolve(directory ?? '.'), flags, interruption()))) setStatus(1);
  });
};

export default verb;
