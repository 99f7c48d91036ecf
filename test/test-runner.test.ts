import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HEADER = "import { suite } from 'uvu';\nimport * as assert from 'uvu/assert';\nconst s = suite('s');\n";

/** What the runner consists of: what its files name, beginning with the first. */
const RUNNER = new Set(['run.ts']);
for (const file of RUNNER) {
  const source = readFileSync(join(ROOT, 'test/support', file), 'utf8');
  for (const [, named] of source.matchAll(/'\.\/([\w-]+\.ts)'/g)) RUNNER.add(named!);
}

const runner = suite('the test runner');

/** A scratch project of one test file, and a slow one, that borrows this one's packages. The caller removes it. */
function projectOf(source: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'cloudlet-runner-'));
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  mkdirSync(join(dir, 'test/support'), { recursive: true });
  for (const file of RUNNER) cpSync(join(ROOT, 'test/support', file), join(dir, 'test/support', file));
  writeFileSync(join(dir, 'test/sample.test.ts'), source);
  writeFileSync(join(dir, 'test/other.slow.test.ts'), `${HEADER}s('x', () => {}); \ns.run();`);
  return dir;
}

/** Runs the runner over a project of one file; it keeps its times there. */
function runOver(source: string, args: readonly string[] = []): { status: number | null; output: string } {
  const dir = projectOf(source);
  try {
    const result = spawnSync(process.execPath, [join(dir, 'test/support/run.ts'), ...args], {
      ...{ encoding: 'utf8', cwd: dir },
      env: { ...process.env, TMPDIR: dir },
    });
    return { status: result.status, output: result.stdout + result.stderr };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

runner('fails when a test does, and closes with the count', () => {
  const { status, output } = runOver(`${HEADER}s('x', () => assert.is(1, 2)); \ns.run();`);
  assert.is(status, 1, output);
  assert.match(output, /\nfailed: test\/sample.test.ts\n[\s\S]*\n0 passed, 1 failed\n$/);
  // Once where it happened, and once at the end.
  assert.is(output.match(/FAIL {2}s {2}"x"/g)?.length, 2, output);
});

runner('passes a good file and closes with the count', () => {
  const { status, output } = runOver(`${HEADER}s('x', () => assert.is(1, 1)); \ns.run();`);
  assert.is(status, 0, output);
  assert.match(output, /1 passed, 0 failed\n$/);
});

runner('says what it left out, what it took, and with --slowest what took longest', () => {
  const { output } = runOver(
    `${HEADER}s.before(() => {});\ns('quick', () => {});\ns('slow', () => new Promise((r) => setTimeout(r, 60))); \ns.run();`,
    ['--slowest'],
  );
  assert.match(output, /slowest files: .*\n +\d+\.\d +0\.[1-9] {2}test\/sample\.test\.ts\nslowest cases/);
  assert.match(output, /0\.1 {2}test\/sample\.test\.ts: slow\n +0\.0 {2}test\/sample\.test\.ts: (quick|before s)\n/);
  assert.match(
    output,
    /\n1 files, fast ones \d+ s, all \d+ s, \d+ s of a processor\n\d+ processors, .* at most\nleft out: 1 file; slow .*--all\n/,
  );
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  runner(`ends what it runs after ${signal}`, async () => {
    const dir = projectOf(
      `import { writeFileSync } from 'node:fs';\n${HEADER}s('x', () => { writeFileSync('pid', String(process.pid)); return new Promise((r) => setTimeout(r, 1e6)); }); \ns.run();`,
    );
    try {
      const changes = watch(dir);
      const env = { ...process.env, TMPDIR: dir };
      const child = spawn(process.execPath, [join(dir, 'test/support/run.ts')], { env, cwd: dir, stdio: 'ignore' });
      const ended = once(child, 'exit');
      const pidFile = join(dir, 'pid');
      for await (const _ of changes) if (existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '') break;
      child.kill(signal);
      assert.equal(await ended, [status, null]);
      while (runs(readFileSync(pidFile, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

/** Whether a process runs: one that nobody has taken note of is there, and does not. */
function runs(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

runner('refuses a pattern that matches nothing', () => {
  const result = spawnSync(process.execPath, [join(ROOT, 'test/support/run.ts'), 'no-such-test'], { encoding: 'utf8' });
  assert.is(result.status, 1);
  assert.match(result.stderr, 'no test file matches no-such-test');
});

runner.run();
