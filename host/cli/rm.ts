import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import type { Verb } from './verb.ts';
import { numberOf, parseVersionedName } from './versions/versioned-name.ts';

const verb: Verb = (program) => {
  const command = program
    .command('rm <name>')
    .description('remove a function with its versions, log, secrets and stores, or with NAME@VERSION one version')
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (text: string, flags: HostFlags & { json?: boolean }) => {
    const { name, version } = parseVersionedName(text);
    const client = await clientFor(flags);
    const number = await numberOf(client, { name, version });
    if (number === undefined) await client.remove(name);
    else await client.versions.remove(name, number);
    console.log(flags.json ? JSON.stringify({ removed: name, version: number }) : `removed ${text}`);
  });
};

export default verb;
