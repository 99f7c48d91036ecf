import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { parseVersionWord } from './versions/versioned-name.ts';

const verb: Verb = (program) => {
  const command = program
    .command('rollback <name> [version]')
    .description('send all calls to an earlier version again (default: the one before)')
    .option('--json', 'print JSON');
  withHostFlags(command).action(
    async (text: string, version: string | undefined, flags: HostFlags & { json?: boolean }) => {
      const name = typed(() => parseName(text));
      const target = version === undefined ? undefined : parseVersionWord(version);
      const client = await clientFor(flags);
      const info = await client.rollback(name, target);
      console.log(flags.json ? JSON.stringify(info) : `${name} is at version ${info.version} (${info.digest})`);
    },
  );
};

export default verb;
