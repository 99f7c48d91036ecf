import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  const command = program
    .command('rm <name>')
    .description('remove a function with its versions, log, secrets and stores')
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (text: string, flags: HostFlags & { json?: boolean }) => {
    const name = typed(() => parseName(text));
    await (await clientFor(flags)).remove(name);
    console.log(flags.json ? JSON.stringify({ removed: name }) : `removed ${name}`);
  });
};

export default verb;
