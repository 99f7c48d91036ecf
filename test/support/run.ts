/**
 * The test runner: every `test/**\/*.test.ts` in a process of its own, with a time limit, and no way to pass without asserting.
 *
 *     npm test                     the checks, the fast tests, the end-to-end tests
 *     npm test -- wasi             only files whose path contains `wasi`
 *     npm test -- --fast           only what needs no machine, browser, compiler or whole host
 *     npm test -- --all            also *.slow.test.ts: slow toolchains and foreign programs
 *     npm test -- --slowest        also says which ten files and which ten cases took longest
 *
 * A file may set its own limit in its first lines: `// time limit: 300 s`. Lines of its output that begin with `note: ` are shown.
 * What failed is told once more before the summary, with how loaded the computer was.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withCompileCache } from './compile-cache.ts';
import { ComputerLoad } from './computer-load.ts';
import { failureText } from './failure-text.ts';
import { KEPT_FOLDER } from './kept-folder.ts';
import { type TestFile, testFiles } from './test-file.ts';
import { longestFirst, readTimes, takeNext, writeTimes } from './test-order.ts';
import { endTestFiles, type Outcome, TestProcess } from './test-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SETUP = join(ROOT, 'host/setup/setup.mjs');
const FLAGS = ['--all', '--fast', '--slowest'];
const TIMES = join(KEPT_FOLDER, 'times.json');

/** Fast files at once: one more than processors, since each waits for children, timers and locks a fifth of its time. */
const FAST_AT_ONCE = Math.min(availableParallelism(), 4) + 1;
/** Files that need more than a processor, at once: two with machines, and one without, which fills what those leave. */
const HEAVY_AT_ONCE = Math.min(availableParallelism(), 2) + 1;
/** Memory of what one file with machines starts, and as much again for everything else, bytes. */
const MACHINES_MEMORY = 4 * 2 ** 30;
/** How many of the slowest are named. */
const SLOWEST = 10;

const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--')));
const patterns = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = [...flags].filter((flag) => !FLAGS.includes(flag));
if (unknown.length > 0) {
  process.stderr.write(`expected ${FLAGS.join(', ')} or patterns, got ${unknown.join(' ')}\n`);
  process.exit(2);
}

const named = ({ path }: TestFile) => patterns.some((pattern) => path.includes(pattern));
const asked = testFiles(ROOT).filter((file) => patterns.length === 0 || named(file));
const files = asked
  .filter((file) => flags.has('--all') || !file.slow || named(file))
  .filter((file) => !flags.has('--fast') || file.kind === 'fast');

if (files.length === 0) {
  process.stderr.write(`no test file matches ${patterns.join(' ') || 'test/**/*.test.ts'}\n`);
  process.exit(1);
}

let setup: ChildProcess | null = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    setup?.kill(signal);
    endTestFiles();
    process.exit(128 + constants.signals[signal]);
  });
}

// Toolchains of other languages are large: only who asks for the slow tests gets them.
if (flags.has('--all')) {
  setup = spawn(process.execPath, [SETUP, '--slow'], { stdio: 'inherit' });
  const [status] = await once(setup, 'exit');
  if (status !== 0) process.exit(1);
  setup = null;
}

const load = new ComputerLoad();

function print(outcome: Outcome): void {
  const loadNow = load.look();
  const mark = outcome.failed === 0 ? '✓' : '✗';
  const counts = `${outcome.passed} passed${outcome.failed > 0 ? `, ${outcome.failed} failed` : ''}`;
  process.stdout.write(`${mark} ${outcome.file.path}  ${counts}  ${outcome.seconds.toFixed(1)} s\n`);
  // What a test has measured and does not judge: milliseconds of a busy machine say nothing about the code.
  for (const [note] of outcome.output.matchAll(/^note: .*$/gm)) process.stdout.write(`  ${note}\n`);
  if (outcome.failed === 0) return;
  process.stdout.write(`  load ${loadNow.toFixed(1)}\n`);
  if (outcome.complaint !== null) process.stdout.write(`  ${outcome.complaint}\n`);
  process.stdout.write(`${outcome.output.replace(/^/gm, '    ')}\n`);
}

const env = withCompileCache(
  // Fuzzing takes as long as it is given.
  { ...process.env, ...(flags.has('--fast') ? { CLOUDLET_TEST_FAST: '1' } : {}) },
  join(KEPT_FOLDER, 'code'),
);
const options = { root: ROOT, env };
const times = readTimes(TIMES);

async function runAll(list: readonly TestFile[], atOnce: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = longestFirst(list, times);
  const running = new Set<TestFile>();
  const note = (outcome: Outcome) => {
    print(outcome);
    outcomes.push(outcome);
  };
  const end = async (process: TestProcess, last: TestFile) => {
    const complaint = await process.close();
    const nothing = { passed: 0, seconds: 0, cpuSeconds: 0, cases: [], output: '' };
    if (complaint !== null) note({ ...nothing, file: last, failed: 1, complaint });
  };
  const lane = async () => {
    let open = null as { process: TestProcess; last: TestFile } | null;
    for (;;) {
      const machinesAtOnce = process.availableMemory() > MACHINES_MEMORY ? 2 : 1;
      const file = takeNext(waiting, running, { machinesAtOnce });
      if (file === null) break;
      running.add(file);
      open = { process: open?.process ?? new TestProcess(options), last: file };
      note(await open.process.run(file));
      // Whole hosts and machines begin with a process of their own: what they load is little of what they take.
      if (open.process.spent || file.kind !== 'fast') {
        await end(open.process, file);
        open = null;
      }
      running.delete(file);
    }
    if (open !== null) await end(open.process, open.last);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

/** Names the slowest files and cases, slowest first. */
function printSlowest(outcomes: readonly Outcome[]): void {
  process.stdout.write('\nslowest files: seconds, of a processor\n');
  for (const { file, seconds, cpuSeconds } of outcomes.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)) {
    process.stdout.write(`${seconds.toFixed(1).padStart(8)} ${cpuSeconds.toFixed(1).padStart(8)}  ${file.path}\n`);
  }
  process.stdout.write('slowest cases: seconds\n');
  const cases = outcomes.flatMap(({ file, cases }) => cases.map((each) => ({ ...each, path: file.path })));
  for (const { name, seconds, path } of cases.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)) {
    process.stdout.write(`${seconds.toFixed(1).padStart(8)}  ${path}: ${name}\n`);
  }
}

const started = performance.now();
const secondsSince = () => ((performance.now() - started) / 1000).toFixed(0);
const fastOnes = files.filter(({ kind }) => kind === 'fast');
const fast = await runAll(fastOnes, FAST_AT_ONCE);
const fastSeconds = secondsSince();
const heavy = await runAll(
  files.filter(({ kind }) => kind !== 'fast'),
  HEAVY_AT_ONCE,
);
const outcomes = [...fast, ...heavy];
writeTimes(TIMES, { ...times, ...Object.fromEntries(outcomes.map((each) => [each.file.path, each.seconds])) });

const failed = outcomes.filter((outcome) => outcome.failed > 0);
if (flags.has('--slowest')) printSlowest(outcomes);
if (failed.length > 0) {
  const paths = failed.map(({ file }) => file.path).join(', ');
  process.stdout.write(`\n${failureText(failed)}\nfailed: ${paths}\n`);
}
const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
const cpu = sum(({ cpuSeconds }) => cpuSeconds).toFixed(0);
process.stdout.write(
  `\n${files.length} files, fast ones ${fastSeconds} s, all ${secondsSince()} s, ${cpu} s of a processor\n${load.text()}\n`,
);
const left = asked.length - files.length;
if (left > 0) {
  const remedy = flags.has('--fast')
    ? 'npm test without --fast runs those that need machines'
    : 'slow toolchains and foreign programs: npm test -- --all';
  process.stdout.write(`left out: ${left} ${left === 1 ? 'file' : 'files'}; ${remedy}\n`);
}
process.stdout.write(`${sum(({ passed }) => passed)} passed, ${sum((each) => each.failed)} failed\n`);
process.exit(failed.length === 0 ? 0 : 1);
