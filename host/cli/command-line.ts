import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asCloudletError } from '../../guest-sdk/protocol/index.ts';
import { Interrupted, takeSignals } from './interruption.ts';
import { printable } from './terminal/printable.ts';
import { UsageError } from './usage-error.ts';
import type { Verb, VerbContext } from './verb.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Verbs by name, in the order of the help; loaded when they are named, because `cloudlet serve` must listen at once. */
export const VERBS: Readonly<Record<string, () => Promise<{ readonly default: Verb }>>> = {
  start: () => import('./start.ts'),
  serve: () => import('./serve.ts'),
  doctor: () => import('./doctor.ts'),
  discover: () => import('./discover.ts'),
  image: () => import('./image.ts'),
  new: () => import('./new.ts'),
  dev: () => import('./dev.ts'),
  test: () => import('./test.ts'),
  build: () => import('./build.ts'),
  trace: () => import('./trace.ts'),
  inspect: () => import('./inspect.ts'),
  types: () => import('./typescript-types.ts'),
  pack: () => import('./pack.ts'),
  publish: () => import('./publish.ts'),
  deploy: () => import('./deploy.ts'),
  invoke: () => import('./invoke.ts'),
  bench: () => import('./bench.ts'),
  ls: () => import('./ls.ts'),
  logs: () => import('./logs.ts'),
  rm: () => import('./rm.ts'),
  secret: () => import('./secret.ts'),
  publisher: () => import('./publisher.ts'),
  versions: () => import('./versions.ts'),
  diff: () => import('./diff.ts'),
  split: () => import('./split.ts'),
  rollback: () => import('./rollback.ts'),
  vm: () => import('./vm.ts'),
  store: () => import('./store.ts'),
};

/** Headings of the help, each before the verb that it begins with. */
const HEADINGS: Readonly<Record<string, string>> = {
  start: 'A host:',
  new: "A function's development:",
  publish: 'Functions at a host:',
  versions: 'Versions of a function:',
  vm: 'Native servers and what is offered to devices:',
};

/** Verbs that run a command with words of its own. */
const PASSING_ON: ReadonlySet<string> = new Set(['invoke', 'trace', 'bench']);

/**
 * Runs the `cloudlet` command and resolves with its exit status: 0 done, 1 failed, 2 used wrongly, 128 and the signal's number when
 * it was interrupted; `invoke` passes on the status of a command.
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  let status = 0;
  let signal: AbortSignal | undefined;
  const context: VerbContext = {
    setStatus: (code) => {
      status = code;
    },
    passedOn: end === -1 ? [] : words.slice(end + 1),
    interruption: () => {
      signal ??= takeSignals();
      return signal;
    },
  };
  try {
    const program = await assemble(own, context);
    if (context.passedOn.length > 0 && !PASSING_ON.has(own[0] ?? ''))
      throw new UsageError(`only ${[...PASSING_ON].join(', ')} take words after "--"`);
    await program.parseAsync(own as string[], { from: 'user' });
    return status;
  } catch (thrown) {
    return statusOf(signal?.aborted ? signal.reason : thrown);
  }
}

async function assemble(words: readonly string[], context: VerbContext): Promise<Command> {
  const program = new Command('cloudlet')
    .description('Offload WASI components to a nearby computer: publish a function once, call it from any device.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'cloudlet: ')) })
    .showHelpAfterError('(run with --help for what is possible)')
    .helpCommand(false);
  const named = words.find((word) => !word.startsWith('-'));
  const chosen = named !== undefined && Object.hasOwn(VERBS, named) ? [named] : Object.keys(VERBS);
  const loaded = await Promise.all(chosen.map((name) => VERBS[name]!()));
  for (const [at, { default: verb }] of loaded.entries()) {
    const heading = HEADINGS[chosen[at]!];
    if (heading !== undefined) program.commandsGroup(heading);
    verb(program, context);
  }
  return program;
}

/** The cloudlet speaks of HTTP; whoever is at a command line gives the token otherwise. */
const WHERE_TOKENS_ARE = '; here: --token or CLOUDLET_TOKEN, or --data for a cloudlet on this machine';

/** What a full disk, or one that may not be written, is told as; null for anything else. */
function diskSentence(thrown: unknown): Error | null {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return null;
  const { code, path, syscall } = thrown as NodeJS.ErrnoException;
  const where = path === undefined ? '' : ` for ${path}`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Error(`expected room on the disk${where}, found it full (${code}); free some, and run it again`);
  // Of a folder that may not be made Node's recursive mkdir says that it does not exist.
  if (code === 'ENOENT' && syscall === 'mkdir')
    return new Error(`expected a folder at ${path}, which cannot be made: what is above it may not be written`);
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return new Error(
      `expected to be allowed to ${syscall} ${path ?? 'a file'}, and it is not (${code}); name another place, or change who may`,
    );
  return null;
}

/** Says what went wrong, in one sentence, and gives the exit status for it. */
function statusOf(thrown: unknown): number {
  // Commander has already said it, or printed the help that was asked for.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof Interrupted) return thrown.status;
  const error = thrown instanceof UsageError ? thrown : asCloudletError(diskSentence(thrown) ?? thrown);
  console.error(
    `cloudlet: ${printable(error.message)}${'code' in error && error.code === 'unauthorized' ? WHERE_TOKENS_ARE : ''}`,
  );
  return thrown instanceof UsageError ? 2 : 1;
}
