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
  new: () => import('./new.ts'),
  build: () => import('./build.ts'),
  inspect: () => import('./inspect.ts'),
  trace: () => import('./trace.ts'),
  types: () => import('./typescript-types.ts'),
  pack: () => import('./pack.ts'),
  dev: () => import('./dev.ts'),
  test: () => import('./test.ts'),
  bench: () => import('./bench.ts'),
  publish: () => import('./publish.ts'),
  deploy: () => import('./deploy.ts'),
  invoke: () => import('./invoke.ts'),
  ls: () => import('./ls.ts'),
  logs: () => import('./logs.ts'),
  publisher: () => import('./publisher.ts'),
  versions: () => import('./versions.ts'),
  diff: () => import('./diff.ts'),
  split: () => import('./split.ts'),
  rollback: () => import('./rollback.ts'),
  rm: () => import('./rm.ts'),
  secret: () => import('./secret.ts'),
  store: () => import('./store.ts'),
  discover: () => import('./discover.ts'),
  vm: () => import('./vm.ts'),
  image: () => import('./image.ts'),
  doctor: () => import('./doctor.ts'),
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
  const chosen = named !== undefined && Object.hasOwn(VERBS, named) ? [VERBS[named]!] : Object.values(VERBS);
  const loaded = await Promise.all(chosen.map((load) => load()));
  for (const { default: verb } of loaded) verb(program, context);
  return program;
}

/** The cloudlet speaks of HTTP; whoever is at a command line gives the token otherwise. */
const WHERE_TOKENS_ARE = '; here: --token or CLOUDLET_TOKEN, or --data for a cloudlet on this machine';

/** Says what went wrong, in one sentence, and gives the exit status for it. */
function statusOf(thrown: unknown): number {
  // Commander has already said it, or printed the help that was asked for.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof Interrupted) return thrown.status;
  const error = thrown instanceof UsageError ? thrown : asCloudletError(thrown);
  console.error(
    `cloudlet: ${printable(error.message)}${'code' in error && error.code === 'unauthorized' ? WHERE_TOKENS_ARE : ''}`,
  );
  return thrown instanceof UsageError ? 2 : 1;
}
