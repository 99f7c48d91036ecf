import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { checkVersionWord, numberOf, parseVersionedName } from './versions/versioned-name.ts';

const verb: Verb = (program) => {
  const command = program
    .command('rollback <name> [version]')
    .description(
      'send all calls to an earlier version again (default: the one before), by its number or the beginning of its digest',
    )
    .option('--json', 'print JSON');
  withHostFlags(command).action(
    async (text: string, version: string | undefined, flags: HostFlags & { json?: boolean }) => {
      const named = parseVersionedName(text);
      const { name } = named;
      if (named.version !== undefined && version !== undefined)
        throw new UsageError(`expected one version, got ${named.version} and ${version}`);
      const word = version === undefined ? named.version : checkVersionWord(version);
      const client = await clientFor(flags);
      const info = await client.rollback(name, await numberOf(client, { name, version: word }));
      console.log(flags.json ? JSON.stringify(info) : `${name} is at version ${info.version} (${info.digest})`);
    },
  );
};

export default verb;
