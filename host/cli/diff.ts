import { parseName, type VersionDiff } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { looksLikeFile } from './inspect.ts';
import type { PackageWords } from './package/packaged.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { shownDiff } from './versions/shown-versions.ts';
import { checkVersionWord, numberOf } from './versions/versioned-name.ts';

const HELP = `
  npx cloudlet diff photo                 # the version before against the current
  npx cloudlet diff photo 3               # version 3 against the current
  npx cloudlet diff photo 3 5             # or by the beginnings of their digests
  npx cloudlet diff photo ./photo.wasm    # the current version against what is not published yet:
  npx cloudlet diff photo .               # a component, a project (built first), a package, oci://…`;

interface DiffFlags extends HostFlags, Pick<PackageWords, 'grant' | 'user' | 'insecure'> {
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('diff <name> [from] [to]')
    .usage('<name> [from] [to] | <name> <file, project or package>')
    .description(
      'what differs between two versions: exports, imports, grant, files, size, and whether callers would fail',
    )
    .option('--grant <file>', 'what a component asks for, as a cloudlet.json says it')
    .option('--user <user:password>', 'for a registry (default CLOUDLET_REGISTRY_AUTH)')
    .option('--insecure', 'ask a registry by plain HTTP, also on another computer')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP);
  withHostFlags(command).action(
    async (text: string, from: string | undefined, to: string | undefined, flags: DiffFlags) => {
      const name = typed(() => parseName(text));
      const { versions } = await clientFor(flags);
      let diff: VersionDiff;
      if (from !== undefined && looksLikeFile(from)) {
        if (to !== undefined) throw new UsageError(`expected one file, got ${JSON.stringify(to)} too`);
        const { described } = await import('./package/described.ts');
        diff = await versions.diffWith(name, await described(from, flags, interruption()));
      } else {
        if (flags.grant !== undefined)
          throw new UsageError('expected --grant with a component that is compared, got versions');
        const words = [from, to].map((word) => (word === undefined ? undefined : checkVersionWord(word)));
        const [one, two] = await Promise.all(words.map((version) => numberOf({ versions }, { name, version })));
        diff = await versions.diff(name, { from: one, to: two });
      }
      console.log(flags.json ? JSON.stringify(diff) : shownDiff(diff).join('\n'));
    },
  );
};

export default verb;
