import { resolve } from 'node:path';
import { Option } from 'commander';
import type { DevFlags } from './dev/dev-session.ts';
import { withHostFlags } from './host-access/host-flags.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

const HELP = `
A project in TypeScript or JavaScript is served again less than a second after it was saved. Calls that run come to their end in the
version that they began in; a version that cannot be built or loaded serves nobody. Without --to the function runs in a host of its own,
whose stores and secrets are gone at the end.`;

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('dev [dir]')
    .description('serve a project and build it again when it changes')
    .option('--name <name>', "the function's name (default: the project's)")
    .option('--port <number>', 'port of its address here (default 8787, or a free one)')
    .addOption(new Option('--sandbox <kind>', 'where it runs (default process)').choices(['process', 'microvm']))
    .option('--policy <file>', 'what functions may be granted, as for serve')
    .addHelpText('after', HELP);
  withHostFlags(command).action(async (directory: string | undefined, flags: DevFlags) => {
    if (flags.to !== undefined && (flags.sandbox ?? flags.policy) !== undefined)
      throw new UsageError('expected --sandbox and --policy without --to: the host there has its own');
    const { runDev } = await import('./dev/dev-session.ts');
    await runDev(resolve(directory ?? '.'), flags, interruption());
  });
};

export default verb;
