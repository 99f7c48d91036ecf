import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { shownVersions } from './versions/shown-versions.ts';

interface VersionsFlags extends HostFlags {
  readonly retain?: string;
  readonly json?: boolean;
}

const verb: Verb = (program) => {
  const command = program
    .command('versions <name>')
    .description('list the versions of a function: when published, how large, which share of the calls')
    .option('--retain <number>', 'keep so many from now on; "host" for as many as the host keeps of any')
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (text: string, flags: VersionsFlags) => {
    const name = typed(() => parseName(text));
    const retain = flags.retain === undefined ? undefined : parseRetain(flags.retain);
    const { versions } = await clientFor(flags);
    const list = retain === undefined ? await versions.list(name) : await versions.retain(name, retain);
    console.log(flags.json ? JSON.stringify(list) : shownVersions(list, Date.now()).join('\n'));
  });
};

function parseRetain(text: string): number | null {
  if (text === 'host') return null;
  if (/^([1-9]\d{0,2}|1000)$/.test(text)) return Number(text);
  throw new UsageError(`expected --retain from 1 to 1000, or "host", got ${JSON.stringify(text)}`);
}

export default verb;
