/**
 * Conformance: `npm run conformance -- DIR` runs a folder in the layout of wasi-testsuite through a real host, and a folder of `.wast` files, or
 * one of them, through the engine. Prints a line for each test that did not go as it should, and `N passed, N failed, N skipped` at the end. Exit status 1 when
 * something was not as expected, 2 when it could not be run.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type CommandLine, parseCommandLine, USAGE } from './command-line.ts';
import { type Expectations, parseExpectations } from './expectations.ts';
import { isUnexpected, lineOf, type Outcome, summaryOf, totalLine } from './outcome.ts';
import { runSuite } from './suite/run-suite.ts';
import { runWast } from './wast/run-wast.ts';

const EXPECTED_FILE = fileURLToPath(new URL('./expected.toml', import.meta.url));

/** Runs what the command line asks for; gives the exit status. */
async function main(words: readonly string[]): Promise<number> {
  let line: CommandLine;
  try {
    line = parseCommandLine(words);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome): void => {
    outcomes.push(outcome);
    const said = lineOf(outcome);
    if (said !== null && !line.json) process.stdout.write(`${said}\n`);
  };
  try {
    const expectations = await readExpectations(line.expect ?? EXPECTED_FILE);
    const { target, sandbox, filter } = line;
    if (await isWast(target)) await runWast({ target, filter, expectations, onOutcome });
    else await runSuite({ folder: target, sandbox, filter, expectations, onOutcome });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
  const summary = summaryOf(outcomes);
  if (line.json) process.stdout.write(`${JSON.stringify({ ...summary, outcomes })}\n`);
  else process.stdout.write(`${totalLine(summary)}\n`);
  return outcomes.some(isUnexpected) ? 1 : 0;
}

async function readExpectations(file: string): Promise<Expectations> {
  return parseExpectations(await readFile(file, 'utf8'), file);
}

/** Whether a target is a `.wast` file, or a folder with such files and without a suite's programs. */
async function isWast(target: string): Promise<boolean> {
  if (!(await stat(target)).isDirectory()) return true;
  const files = await readdir(target, { recursive: true });
  return files.some((file) => file.endsWith('.wast')) && !files.some((file) => file.endsWith('.wasm'));
}

process.exitCode = await main(process.argv.slice(2));
