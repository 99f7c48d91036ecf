/**
 * The test runner: every `test/**\/*.test.ts` in a process of its own, with a time limit, and no way to pass without asserting.
 *
 *     npm test                     the checks, the fast tests, the end-to-end tests
 *     npm test -- wasi             only files whose path contains `wasi`
 *     npm test -- --fast           only what needs no machine, browser, compiler or whole host
 *     npm test -- --all            also *.slow.test.ts: slow toolchains and foreign programs
 *
 * A file may set its own limit in its first lines: `// time limit: 300 s`. Lines of its output that begin with `note: ` are shown.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileResult } from './run-file.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_FILE = fileURLToPath(new URL('./run-file.ts', import.meta.url));
const SETUP = join(ROOT, 'host/setup/setup.mjs');
const DEFAULT_LIMIT_S = 120;

const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--')));
const patterns = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = [...flags].filter((flag) => flag !== '--all' && flag !== '--fast');
if (unknown.length > 0) {
  process.stderr.write(`expected --all, --fast or patterns, got ${unknown.join(' ')}\n`);
  process.exit(2);
}

/**
 * Whether a file needs machines, browsers, compilers or whole hosts: those run one after the other, after the fast ones.
 * A file outside of test/e2e says so by a line `// end to end` at its top.
 */
function isHeavy(file: string): boolean {
  if (/^test\/(e2e|examples)\//.test(file) || file.endsWith('.slow.test.ts')) return true;
  return /^(\/\/.*\n)*\/\/ end to end\n/.test(readFileSync(join(ROOT, file), 'utf8'));
}

const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => flags.has('--all') || !file.endsWith('.slow.test.ts') || patterns.some((p) => file.includes(p)))
  .filter((file) => !flags.has('--fast') || !isHeavy(file))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();

if (files.length === 0) {
  process.stderr.write(`no test file matches ${patterns.join(' ') || 'test/**/*.test.ts'}\n`);
  process.exit(1);
}

// Toolchains of other languages are large: only who asks for the slow tests gets them.
if (flags.has('--all') && spawnSync(process.execPath, [SETUP, '--slow'], { stdio: 'inherit' }).status !== 0)
  process.exit(1);

interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly complaint: string | null;
  readonly output: string;
}

/** What makes a file suspicious before it runs: suites that are never run, tests that are skipped or singled out. */
function vacuous(source: string): string | null {
  const suites = source.match(/^const \w+ = suite\b/gm)?.length ?? 0;
  const runs = source.match(/^\w+\.run\(\)/gm)?.length ?? 0;
  if (runs < suites) return runs === 0 ? 'no suite is run: call .run()' : `${suites} suites, but only ${runs} .run()`;
  const marked = source.match(/^\s*\w+(\.skip|\.only)\(/m);
  return marked ? `a test is marked ${marked[1]}` : null;
}

function runFile(file: string): Promise<Outcome> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const early = vacuous(source);
  if (early !== null) {
    return Promise.resolve({ file, passed: 0, failed: 1, seconds: 0, complaint: early, output: '' });
  }
  const limitS = Number(/^\/\/ time limit: (\d+) s/m.exec(source)?.[1] ?? DEFAULT_LIMIT_S);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [RUN_FILE, join(ROOT, file)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let report = '';
    let timedOut = false;
    const take = (chunk: Buffer) => {
      if (output.length < 200_000) output += chunk;
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk) => {
      report += chunk;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid!);
    }, limitS * 1000);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      killGroup(child.pid!);
      const result = report === '' ? null : (JSON.parse(report) as FileResult);
      const complaint = timedOut
        ? `took longer than ${limitS} s`
        : result === null
          ? `ended with ${signal ?? `status ${code}`} before its tests were done`
          : result.total === 0
            ? 'no test ran'
            : result.skipped > 0
              ? `${result.skipped} tests were skipped`
              : code === 86
                ? 'left handles open'
                : code !== 0 && result.passed === result.total
                  ? `ended with ${signal ?? `status ${code}`} after its tests`
                  : null;
      const failures = result === null ? 0 : result.total - result.passed;
      const failed = failures + (complaint !== null ? 1 : 0);
      resolve({ file, passed: result?.passed ?? 0, failed, seconds: seconds(), complaint, output });
    });
  });
}

/** Ends what a test file left behind: it runs as the leader of its own process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty: nothing was left.
  }
}

function print(outcome: Outcome): void {
  const mark = outcome.failed === 0 ? '✓' : '✗';
  process.stdout.write(
    `${mark} ${outcome.file}  ${outcome.passed} passed${outcome.failed > 0 ? `, ${outcome.failed} failed` : ''}  ${outcome.seconds.toFixed(1)} s\n`,
  );
  // What a test has measured and does not judge: milliseconds of a busy machine say nothing about the code.
  for (const [note] of outcome.output.matchAll(/^note: .*$/gm)) process.stdout.write(`  ${note}\n`);
  if (outcome.failed === 0) return;
  if (outcome.complaint !== null) process.stdout.write(`  ${outcome.complaint}\n`);
  process.stdout.write(`${outcome.output.replace(/^/gm, '    ')}\n`);
}

async function runAll(list: readonly string[], atOnce: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const lane = async () => {
    while (next < list.length) {
      const outcome = await runFile(list[next++]!);
      print(outcome);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

const started = performance.now();
const fast = await runAll(
  files.filter((file) => !isHeavy(file)),
  Math.min(availableParallelism(), 4),
);
const fastSeconds = (performance.now() - started) / 1000;
const heavy = await runAll(files.filter(isHeavy), 1);
const outcomes = [...fast, ...heavy];
const failed = outcomes.filter((outcome) => outcome.failed > 0);
if (failed.length > 0) {
  process.stdout.write(`\nfailed: ${failed.map((outcome) => relative(ROOT, join(ROOT, outcome.file))).join(', ')}\n`);
}
const passedCount = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failedCount = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
process.stdout.write(
  `\n${files.length} files, fast ones ${fastSeconds.toFixed(0)} s, all ${((performance.now() - started) / 1000).toFixed(0)} s\n`,
);
process.stdout.write(`${passedCount} passed, ${failedCount} failed\n`);
process.exit(failedCount === 0 ? 0 : 1);
