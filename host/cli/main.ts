#!/usr/bin/env node
/** The `cloudlet` command. Exit status: 0 done, 1 failed, 2 used wrongly. */
import { Command, CommanderError } from 'commander';
import { asCloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Verb } from './verb.ts';

/** Verbs by name, loaded when they are named: `cloudlet serve` must listen at once. */
const VERBS: Readonly<Record<string, () => Promise<{ default: Verb }>>> = {
  start: () => import('./start.ts'),
  serve: () => import('./serve.ts'),
  doctor: () => import('./doctor.ts'),
  image: () => import('./image.ts'),
};

/** Runs the command line and gives the exit status. */
export async function run(words: readonly string[]): Promise<number> {
  const program = new Command('cloudlet')
    .description('Offload WASI components to a nearby computer: publish a function once, call it from any device.')
    .exitOverride()
    .showHelpAfterError('(run with --help for what is possible)')
    .helpCommand(false);
  const named = words.find((word) => !word.startsWith('-'));
  const verbs = named !== undefined && Object.hasOwn(VERBS, named) ? [VERBS[named]!] : Object.values(VERBS);
  let status = 0;
  for (const verb of verbs) {
    (await verb()).default(program, (code) => {
      status = code;
    });
  }
  try {
    await program.parseAsync(words as string[], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`cloudlet: ${asCloudletError(error).message}`);
    return 1;
  }
}

if (import.meta.main) {
  const status = await run(process.argv.slice(2));
  process.exitCode = status;
}
