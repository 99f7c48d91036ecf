import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { logLines } from './terminal/log-text.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { numberOf, parseVersionedName } from './versions/versioned-name.ts';

interface LogFlags extends HostFlags {
  readonly follow?: boolean;
  readonly after?: string;
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('logs <name>')
    .description('what a function, or one version of it (NAME@VERSION), wrote, and what the host says about it')
    .option('-f, --follow', 'go on with the lines to come, until interrupted')
    .option('--after <seq>', 'only lines after the one that has this number in --json')
    .option('--json', 'print one JSON object a line');
  withHostFlags(command).action(async (text: string, flags: LogFlags) => {
    const named = parseVersionedName(text);
    const after = typed(() => parseSeq(flags.after));
    const client = await clientFor(flags);
    const signal = interruption();
    const options = { follow: flags.follow === true, after, version: await numberOf(client, named, signal), signal };
    for await (const line of client.logs(named.name, options)) {
      if (flags.json) console.log(JSON.stringify(line));
      else console.log(logLines(line).join('\n'));
    }
  });
};

function parseSeq(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw new CloudletError('request-invalid', `expected the "seq" of a line after --after, got ${JSON.stringify(text)}`);
}

export default verb;
