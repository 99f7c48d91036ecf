import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stdin, stdout } from 'node:process';
import { CloudletError, parseRecipe, type Recipe, type RecipeInput } from '../../../guest-sdk/protocol/index.ts';
import type { CreateOverlayOptions, RungProgress } from '../../../runtime/index.ts';
import { hostConfig } from '../../config.ts';
import { readKey } from '../key-file.ts';
import { printable } from '../terminal/printable.ts';
import { type Progress, showProgress } from '../terminal/progress.ts';
import { formatSize, shortDigest } from '../terminal/size.ts';
import { typed, UsageError } from '../usage-error.ts';
import type { Verb, VerbContext } from '../verb.ts';
import { meantVm, openSavedVms, type SavedVmFlags } from './saved-vm.ts';
import { addShowOverlay } from './show-overlay.ts';

interface CreateFlags extends SavedVmFlags {
  readonly base?: string;
  readonly recipe?: string;
  readonly script?: string;
  readonly package?: readonly string[];
  readonly run?: string;
  readonly port?: string;
  readonly protocol?: string;
  readonly probe?: string;
  readonly interactive?: boolean;
  readonly level?: string;
  readonly link?: string;
  readonly about?: string;
  readonly key?: string;
  readonly output: string;
}

/** What is done, for people; steps of a recipe are their own words. */
const STAGES: Readonly<Record<string, string>> = {
  rehearsing: 'finding out what it reads first',
  comparing: 'comparing it with its base',
  searching: 'looking for what the base has',
  compressing: 'compressing',
  writing: 'writing',
};

const verb: Verb = (vm, context) => {
  const overlay = vm.command('overlay').description('overlays: what makes service VMs of a base VM');
  overlay
    .command('create')
    .description('install a server on a copy of a base VM, and write the difference as one file')
    .requiredOption('-o, --output <file>', 'file to write')
    .option(
      '--base <digest>',
      'the base VM, or the begin of its digest (default: the one used last, with no stock kernel)',
    )
    .option('--recipe <file>', 'a recipe that says all of the following')
    .option('--script <file>', 'installs what is needed, by /bin/sh as root')
    .option('--package <name...>', 'Debian packages that are installed before')
    .option('--run <command>', 'runs the server in the foreground')
    .option('--port <port>', 'port of its loopback on which it listens')
    .option('--protocol <which>', 'http or tcp (default http)')
    .option('--probe <path>', 'path that it answers when it serves (default /)')
    .option('--interactive', 'install by hand, in a shell')
    .option('--level <level>', 'level of zstd, 1 to 22 (default 19)')
    .option('--link <mbits>', 'take the level that suits a link of so many Mbit/s')
    .option('--about <line>', 'what is in it, for people')
    .option('--key <file>', 'sign it with this private key; make one with: npx cloudlet store keys new FILE')
    .option('--cache <directory>', 'where saved VMs live')
    .option('--accel <which>', 'auto, kvm or tcg')
    .option('--json', 'print JSON')
    .action((flags: CreateFlags) => create(flags, context));
  addShowOverlay(overlay);
  overlay
    .command('sign <file>')
    .description('add a signature to an overlay: its digest stays, and a host knows whose it is')
    .requiredOption('--key <file>', 'private key; make one with: npx cloudlet store keys new FILE')
    .option('-o, --output <file>', 'file to write (default: the overlay itself)')
    .option('--json', 'print JSON')
    .action((file: string, flags: SignFlags) => sign(file, flags, context));
};

interface SignFlags {
  readonly key: string;
  readonly output?: string;
  readonly json?: boolean;
}

async function sign(
  file: string,
  { key: path, output, json }: SignFlags,
  { interruption }: VerbContext,
): Promise<void> {
  const { key, fingerprint } = await readKey(path);
  const { signOverlayFile } = await import('../../../runtime/index.ts');
  const { digest } = await signOverlayFile(file, key, { output, signal: interruption() });
  const written = output ?? file;
  console.log(
    json === true
      ? JSON.stringify({ digest, file: written, publisher: fingerprint })
      : `${written}: overlay ${shortDigest(digest)}, signed by ${fingerprint}`,
  );
}

async function create(flags: CreateFlags, { interruption }: VerbContext): Promise<void> {
  const level = levelOf(flags);
  // Read before anything is made: minutes later it would be too late to say that it is none.
  const signer = flags.key === undefined ? null : await readKey(flags.key);
  await expectPlace(flags.output);
  const source = await recipeOf(flags);
  const { chooseAccelerator, createOverlay, hostPolicy, signOverlayFile } = await import('../../../runtime/index.ts');
  const { cacheDir, accel } = typed(() => hostConfig({ cache: flags.cache, accel: flags.accel }));
  const images = await openSavedVms(flags);
  const recipe =
    flags.base === undefined
      ? source.recipe
      : { ...source.recipe, base: meantVm(await images.list(), flags.base).digest };
  const signal = interruption();
  const progress = showProgress('overlay');
  const startedAt = performance.now();
  try {
    const made = await createOverlay({
      ...{ images, recipe, signal, path: flags.output, about: flags.about ?? source.about },
      accelerator: await chooseAccelerator({ cacheDir, choice: accel }),
      policy: hostPolicy(),
      ...(level === undefined ? {} : { level }),
      ...(source.parts === undefined ? {} : { parts: source.parts }),
      ...(flags.interactive === true
        ? { session: { input: stdin, output: (bytes: Uint8Array) => void stdout.write(bytes) } }
        : {}),
      report: (told) => show(progress, told),
    });
    if (signer !== null) await signOverlayFile(flags.output, signer.key, { signal });
    progress.clear();
    const { digest, bytes, segments, touched, figures } = made;
    const publisher = signer?.fingerprint ?? null;
    if (flags.json)
      return console.log(JSON.stringify({ digest, file: flags.output, publisher, bytes, segments, touched, figures }));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(
      `${flags.output}: overlay ${shortDigest(digest)}, ${formatSize(bytes)} in ${segments} segments (${seconds} s)`,
    );
    if (publisher !== null) console.log(`  signed by ${publisher}`);
    console.log(`  deploy it with: npx cloudlet deploy ${flags.output}`);
  } finally {
    progress.clear();
  }
}

function show(progress: Progress, { stage, bytesDone, bytesTotal, log }: RungProgress): void {
  progress.stage(STAGES[stage] ?? stage);
  if (log !== undefined && log.trim() !== '') {
    progress.clear();
    for (const line of log.trimEnd().split('\n')) console.error(printable(line));
  }
  if (bytesDone !== undefined && (bytesTotal ?? 0) > 1 && stage !== 'compressing')
    progress.amount(bytesDone, bytesTotal!);
}

/** Whether the file can be written at all: what is to be in it takes minutes. */
async function expectPlace(path: string): Promise<void> {
  if ((await stat(path).catch(() => null)) !== null)
    throw new UsageError(
      `expected --output with a file that is not there yet, got ${path}; remove it, or name another`,
    );
  if ((await stat(dirname(path)).catch(() => null))?.isDirectory() !== true)
    throw new UsageError(`expected --output in a folder that is there, got ${path}`);
}

function levelOf({ level, link }: CreateFlags): CreateOverlayOptions['level'] {
  if (level !== undefined && link !== undefined) throw new UsageError('expected --level or --link, got both');
  if (level !== undefined) {
    if (!/^([1-9]|1\d|2[0-2])$/.test(level)) throw new UsageError(`expected --level 1 to 22, got "${level}"`);
    return Number(level);
  }
  if (link === undefined) return undefined;
  if (!(Number(link) > 0)) throw new UsageError(`expected --link in Mbit/s, got "${link}"`);
  return { bitsPerS: Number(link) * 1e6 };
}

/** What is installed: as a recipe says, or the flags do. */
async function recipeOf(
  flags: CreateFlags,
): Promise<{ recipe: Recipe; about: string; parts?: NonNullable<CreateOverlayOptions['parts']> }> {
  if (flags.recipe !== undefined) {
    const { readRecipeFile } = await import('../../../guest-sdk/build/index.ts');
    const { name, recipe, parts } = await readRecipeFile(flags.recipe);
    const get = async (digest: string): Promise<Uint8Array> => {
      const part = [...parts].find(([each]) => each === digest)?.[1];
      if (part === undefined)
        throw new CloudletError('recipe-invalid', `the recipe has no file with the part ${digest}`);
      return part.read();
    };
    return { recipe, about: name, parts: { get } };
  }
  const { run, port, script, interactive } = flags;
  if (run === undefined || port === undefined) throw new UsageError('expected --run and --port, or --recipe');
  if (!/^\d{1,5}$/.test(port)) throw new UsageError(`expected --port as a number, got "${port}"`);
  if (script === undefined && interactive !== true && flags.package === undefined)
    throw new UsageError('expected --script, --package or --interactive: something that is installed');
  const text =
    script === undefined
      ? ''
      : await readFile(script, 'utf8').catch((error: Error) =>
          Promise.reject(new UsageError(`the script cannot be read: ${error.message}`)),
        );
  const input = {
    ...{ packages: [...(flags.package ?? [])], script: text },
    service: {
      ...{ run, port: Number(port), probe: { path: flags.probe ?? '/' } },
      ...(flags.protocol === undefined ? {} : { protocol: flags.protocol as 'http' | 'tcp' }),
    },
  } satisfies RecipeInput;
  return { recipe: typed(() => parseRecipe(input, 'what is to be installed')), about: oneLine(run) };
}

function oneLine(text: string): string {
  return text.replaceAll(/\p{C}+/gu, ' ').slice(0, 200);
}

export default verb;
