import { isRegistryAddress, parseRegistryReference, pushPackage } from '../../guest-sdk/client/index.ts';
import { clientConfig } from '../config.ts';
import { checkOutput, writeOutput } from './invoke/output.ts';
import { DENY_FLAG } from './package/denied-words.ts';
import { keptUploads } from './package/kept-uploads.ts';
import { type PackageWords, packaged, registryOptions } from './package/packaged.ts';
import { showProgress } from './terminal/progress.ts';
import { formatSize } from './terminal/size.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

interface PackFlags extends Omit<PackageWords, 'annotations'> {
  readonly output?: string;
  readonly push?: string;
  readonly annotation?: readonly string[];
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  program
    .command('pack [what]')
    .description(
      'a project, component or package as one file, an OCI image layout; signed, and pushed to a registry, when asked',
    )
    .option('-o, --output <file>', 'where it goes, "-" is stdout (default: <name>.package.tar, unless it is pushed)')
    .option('--grant <file>', 'what a component asks for, as a cloudlet.json says it')
    .option(...DENY_FLAG)
    .option('--strip', 'build a project without names of functions and source maps, which only stacks show')
    .option('--key <file>', 'sign with this private key; make one with: npx cloudlet store keys new FILE')
    .option('--annotation <key=value...>', 'further annotations of the manifest')
    .option('--push <oci://…>', 'put it into a registry, such as oci://localhost:5000/name:tag')
    .option('--user <user:password>', 'for the registry (default CLOUDLET_REGISTRY_AUTH)')
    .option('--insecure', 'ask the registry by plain HTTP, also on another computer')
    .option('--json', 'print JSON')
    .action(async (what: string | undefined, flags: PackFlags) => {
      const signal = interruption();
      const target = flags.push === undefined ? null : typed(() => parseRegistryReference(flags.push!));
      if (flags.output !== undefined && isRegistryAddress(flags.output))
        throw new UsageError('expected a file with --output; a registry is named with --push');
      await checkOutput(flags.output);
      const annotations = flags.annotation === undefined ? {} : { annotations: annotationsOf(flags.annotation) };
      const { name, opened } = await packaged(what ?? '.', { ...flags, ...annotations }, signal);
      const { written, component, layers, signers } = opened;
      const file = flags.output ?? (target === null ? `${name || 'function'}.package.tar` : null);
      if (file !== null) await writeOutput(each(written.pieces), file);
      const say = file === '-' ? console.error : console.log;
      let pushed: { readonly sentBytes: number; readonly totalBytes: number } | null = null;
      if (target !== null) {
        const progress = showProgress(flags.push!);
        try {
          progress.stage('pushing');
          const onBytes = (done: number, total: number) => progress.amount(done, total);
          pushed = await pushPackage(target, written, {
            ...registryOptions(flags, signal),
            onBytes,
            memory: keptUploads(typed(() => clientConfig()).cacheDir),
          });
        } finally {
          progress.clear();
        }
      }
      const codeBytes = component.sizeBytes;
      const dataBytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const { digest, sizeBytes } = written;
      const summary = {
        name,
        digest,
        sizeBytes,
        codeBytes,
        dataBytes,
        signers,
        file,
        pushed: flags.push ?? null,
        sentBytes: pushed?.sentBytes ?? null,
      };
      if (flags.json) return say(JSON.stringify(summary));
      say(`${file ?? flags.push}  ${formatSize(sizeBytes)}`);
      say(`  digest   ${digest}`);
      say(`  code     ${formatSize(codeBytes)}`);
      say(
        `  data     ${formatSize(dataBytes)}${layers.length === 0 ? '' : ` in ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`}`,
      );
      for (const each of signers) say(`  signed   ${each}`);
      if (pushed !== null)
        say(`  pushed   ${flags.push}  (sent ${formatSize(pushed.sentBytes)} of ${formatSize(pushed.totalBytes)})`);
    });
};

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function annotationsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new UsageError(`expected --annotation key=value, got ${JSON.stringify(word)}`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

export default verb;
