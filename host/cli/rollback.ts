import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  const command = program
    .command('rollback <name> [version]')
    .description('send calls to an earlier version again (default: the one before)')
    .option('--json', 'print JSON');
  withHostFlags(command).action(
    async (text: string, version: string | undefined, flags: HostFlags & { json?: boolean }) => {
      const name = typed(() => parseName(text));
      if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
        throw new UsageError(`expected a version, such as 1, got ${JSON.stringify(version)}`);
      }
      const client = await clientFor(flags);
      const info = await client.rollback(name, version === undefined ? undefined : Number(version));
      console.log(flags.json ? JSON.stringify(info) : `${name} is at version ${info.version} (${info.digest})`);
    },
  );
};

export default verb;
