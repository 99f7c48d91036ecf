import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { shownVersions } from './versions/shown-versions.ts';
import { parseSplitWords } from './versions/split-words.ts';

interface SplitFlags extends HostFlags {
  readonly sticky?: string;
  readonly off?: boolean;
  readonly json?: boolean;
}

const HELP = `
  npx cloudlet split photo 3=10                        # a tenth of the calls to version 3, the rest to the current
  npx cloudlet split photo 2=50 3=50 --sticky x-user   # the same user always gets the same version
  npx cloudlet split photo --off                       # all to the current version
A publish does not change the shares; rollback sends all calls to one version.`;

const verb: Verb = (program) => {
  const command = program
    .command('split <name> [shares...]')
    .usage('<name> VERSION=PERCENT... | <name> --off')
    .description('share the calls of a function out among its versions')
    .option('--sticky <what>', 'keep a caller at its version by header:NAME or cookie:NAME')
    .option('--off', 'all calls to the current version')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP);
  withHostFlags(command).action(async (text: string, words: string[], flags: SplitFlags) => {
    const name = typed(() => parseName(text));
    if (flags.off === true ? words.length > 0 || flags.sticky !== undefined : words.length === 0)
      throw new UsageError(
        `expected shares such as 2=10, or --off alone; what they are now says npx cloudlet versions ${name}`,
      );
    const { versions } = await clientFor(flags);
    const split = flags.off === true ? null : parseSplitWords(words, await versions.list(name), flags.sticky);
    const list = await versions.split(name, split);
    console.log(flags.json ? JSON.stringify(list) : shownVersions(list, Date.now()).join('\n'));
  });
};

export default verb;
