import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Expectations } from '../expectations.ts';
import type { Outcome, Result } from '../outcome.ts';
import { readScript } from './script.ts';
import { ScriptRun } from './script-run.ts';

/** What is run. */
export interface WastRun {
  /** A `.wast` file, or a folder of them. */
  readonly target: string;
  /** Only files whose path contains it. */
  readonly filter: string;
  readonly expectations: Expectations;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Runs scripts; every command of one is a test, named by its line, and the file is its suite. */
export async function runWast({ target, filter, expectations, onOutcome }: WastRun): Promise<void> {
  const files = (await filesOf(target)).filter(({ suite }) => suite.includes(filter));
  if (files.length === 0) throw new Error(`expected .wast files in ${target}, got none`);
  // What is left of an instance that trapped may still reject, as in an agent's worker: nobody listens any more.
  const ignore = () => {};
  process.on('unhandledRejection', ignore);
  try {
    await runFiles(files, expectations, onOutcome);
    // Rejections are told of at the end of a turn.
    await setImmediate();
  } finally {
    process.off('unhandledRejection', ignore);
  }
}

async function runFiles(
  files: readonly { readonly path: string; readonly suite: string }[],
  expectations: Expectations,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  for (const { path, suite } of files) {
    const tell = (test: string, result: () => Promise<Result>): Promise<void> =>
      outcomeOf(suite, test, expectations, result).then(onOutcome);
    let commands: ReturnType<typeof readScript>;
    try {
      commands = readScript(await readFile(path, 'utf8'));
    } catch (error) {
      await tell('the file', async () => ({ kind: 'failed', detail: (error as Error).message }));
      continue;
    }
    const run = new ScriptRun();
    for (const command of commands) await tell(`line ${command.line}`, () => run.take(command));
    run.end();
  }
}

async function outcomeOf(
  suite: string,
  test: string,
  expectations: Expectations,
  take: () => Promise<Result>,
): Promise<Outcome> {
  const expectation = expectations(suite, test);
  if (expectation?.kind === 'skip')
    return { suite, test, result: { kind: 'skipped', detail: expectation.reason }, expected: null };
  return { suite, test, result: await take(), expected: expectation?.reason ?? null };
}

async function filesOf(target: string): Promise<{ path: string; suite: string }[]> {
  if (!(await stat(target)).isDirectory()) return [{ path: target, suite: basename(target) }];
  const files = (await readdir(target, { recursive: true })).filter((file) => file.endsWith('.wast')).sort();
  return files.map((file) => ({ path: join(target, file), suite: file }));
}
