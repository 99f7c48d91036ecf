import type { FunctionInfo } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { formatSize, shortDigest } from './terminal/size.ts';
import { table } from './terminal/table.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  const command = program.command('ls').description('list functions').option('--json', 'print JSON');
  withHostFlags(command).action(async (flags: HostFlags & { json?: boolean }) => {
    const functions = await (await clientFor(flags)).functions();
    if (flags.json) return console.log(JSON.stringify({ functions }));
    if (functions.length === 0)
      return console.error('no functions yet; publish one with: npx cloudlet publish DIR|FILE');
    const rows = functions.map((each) => [
      each.name,
      shownVersion(each),
      each.state,
      each.doors.join(','),
      formatSize(each.sizeBytes),
      shortDigest(each.digest),
    ]);
    console.log(table([['NAME', 'VERSION', 'STATE', 'DOORS', 'SIZE', 'DIGEST'], ...rows]).join('\n'));
  });
};

/** The current version, or those that calls are shared out among. */
function shownVersion({ version, split }: FunctionInfo): string {
  if (split === undefined) return String(version);
  return split.versions.map((each) => `${each.version}=${each.percent}%`).join(' ');
}

export default verb;
