import { parseName, type VersionDiff } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { looksLikeFile } from './inspect.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { shownDiff } from './versions/shown-versions.ts';
import { parseVersionWord } from './versions/versioned-name.ts';

const HELP = `
  npx cloudlet diff photo                 # the version before against the current
  npx cloudlet diff photo 3               # version 3 against the current
  npx cloudlet diff photo 3 5
  npx cloudlet diff photo ./photo.wasm    # the current version against what is not published yet`;

const verb: Verb = (program) => {
  const command = program
    .command('diff <name> [from] [to]')
    .usage('<name> [from] [to] | <name> <file>')
    .description(
      'what differs between two versions: exports, imports, grant, files, size, and whether callers would fail',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', HELP);
  withHostFlags(command).action(
    async (
      text: string,
      from: string | undefined,
      to: string | undefined,
      flags: HostFlags & { readonly json?: boolean },
    ) => {
      const name = typed(() => parseName(text));
      const { versions } = await clientFor(flags);
      let diff: VersionDiff;
      if (from !== undefined && looksLikeFile(from)) {
        if (to !== undefined) throw new UsageError(`expected one file, got ${JSON.stringify(to)} too`);
        const { inspectFile } = await import('./inspect-file.ts');
        const { digest, sizeBytes, doors, exports, imports, grant } = await inspectFile(from);
        diff = await versions.diffWith(name, { digest, sizeBytes, doors, exports, imports, grant, files: [] });
      } else {
        const numbers = [from, to].map((word) => (word === undefined ? undefined : parseVersionWord(word)));
        diff = await versions.diff(name, { from: numbers[0], to: numbers[1] });
      }
      console.log(flags.json ? JSON.stringify(diff) : shownDiff(diff).join('\n'));
    },
  );
};

export default verb;
