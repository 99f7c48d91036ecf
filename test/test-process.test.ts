import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTestFile } from './support/test-file.ts';
import { type Outcome, TestProcess } from './support/test-process.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HEADER = "import { suite } from 'uvu';\nimport * as assert from 'uvu/assert';\nconst s = suite('s');\n";
const GOOD = `${HEADER}s('x', () => assert.ok(true)); \ns.run();`;

/** What a file may change for those after it, and how. */
const LEAVES_CHANGED = [
  ['process.cwd()', "process.chdir('/')"],
  ['process.env.HOME', "process.env.HOME = '/left'"],
  ['listeners of SIGTERM', "process.on('SIGTERM', () => {})"],
  ['Date.now', 'Date.now = () => 0'],
  ['globalThis.fetch', 'globalThis.fetch = null'],
  ['globalThis.left', 'globalThis.left = 1'],
] as const;

const files = suite('a process that runs test files');

let folder = '';
let spare: TestProcess;
const begin = () => new TestProcess({ root: folder, env: process.env });

files.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloudlet-test-process-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  spare = begin();
});

files.after(async () => {
  await spare.close();
  rmSync(folder, { recursive: true });
});

let count = 0;

function runIn(process: TestProcess, source: string): Promise<Outcome> {
  count += 1;
  const path = `sample-${count}.test.ts`;
  writeFileSync(join(folder, path), source);
  return process.run(readTestFile(path, source));
}

/** Runs a file; a process that it spent is followed by another. */
async function run(source: string): Promise<Outcome> {
  const outcome = await runIn(spare, source);
  if (spare.spent) {
    await spare.close();
    spare = begin();
  }
  return outcome;
}

for (const [what, source, complaint] of [
  ['a suite that is never run', `${HEADER}s('x', () => {});`, 'no suite is run'],
  [
    'one of two suites that is not run',
    `${HEADER}const t = suite('t');\ns('x', () => {}); \ns.run();`,
    'only 1 .run()',
  ],
  ['a suite without tests', `${HEADER}\ns.run();`, 'no test ran'],
  ['a skipped test', `${HEADER}s('x', () => {}); s['skip']('y'); \ns.run();`, '1 tests were skipped'],
  ['a test marked only', `${HEADER}s.only('x', () => {}); \ns.run();`, 'is marked .only'],
  ['a failing assertion', `${HEADER}s('x', () => assert.is(1, 2)); \ns.run();`, /FAIL.*"x"/],
  [
    'a crash while loading',
    `${HEADER}s('x', () => {});\ns.run();\nthrow new Error('early');`,
    /Error: early[\s\S]*ended with status 1 before its tests were done/,
  ],
  [
    'a crash after its tests',
    `${HEADER}s('x', () => void setImmediate(() => { throw new Error('late'); })); \ns.run();`,
    /Error: late[\s\S]*ended with status [17] (after its tests|before its tests were done)/,
  ],
  ['an exit that says all is well', `${HEADER}s('x', () => process.exit(0)); \ns.run();`, 'ended with status 0 before'],
  ['a signal', `${HEADER}s('x', () => process.kill(process.pid, 'SIGSEGV')); \ns.run();`, 'ended with SIGSEGV before'],
  [
    'a test that waits for nothing that could come',
    `${HEADER}s('x', () => new Promise(() => {})); \ns.run();`,
    'ended with status 13 before its tests were done',
  ],
  [
    'what cannot be prepared, and says why',
    `${HEADER}s.before(() => { throw new Error('no disk'); }); s('x', () => {}); \ns.run();`,
    /before failed: Error: no disk/,
  ],
  [
    'what cannot be cleared away, and says why',
    `${HEADER}s.after(() => { throw new Error('in use'); }); s('x', () => {}); \ns.run();`,
    /after failed: Error: in use/,
  ],
  [
    'a handle left open',
    `${HEADER}s('x', () => { setInterval(() => {}, 1e6); }); \ns.run();`,
    /left open after its last test: .*Timeout[\s\S]*left handles open/,
  ],
  [
    'an endless test',
    `// time limit: 1 s\n${HEADER}s('x', () => new Promise((r) => setTimeout(r, 1e6))); \ns.run();`,
    'took longer than 1 s',
  ],
  [
    'a process left running',
    `import { spawn } from 'node:child_process';\n${HEADER}s('x', () => { spawn('sleep', ['1000'], { stdio: 'ignore' }).unref(); }); \ns.run();`,
    /left changed, for the files after it: child process \d+, sleep$/,
  ],
  [
    'what is left changed',
    `${HEADER}s('x', () => { ${LEAVES_CHANGED.map(([, change]) => change).join('; ')}; }); \ns.run();`,
    `left changed, for the files after it: ${LEAVES_CHANGED.map(([name]) => name).join(', ')}`,
  ],
] as const) {
  files(`refuses ${what}`, async () => {
    const outcome = await run(source);
    assert.ok(outcome.failed > 0);
    assert.match(`${outcome.output}\n${outcome.complaint}`, complaint);
  });
}

files('is one for files that leave nothing, each with its own output, counts and times', async () => {
  const own = begin();
  const say = (name: string) =>
    `${HEADER}s('${name}', () => { process.stdout.write('${name} of ' + process.pid); console.error('${name}!'); }); \ns.run();`;
  const first = await runIn(own, say('first'));
  const second = await runIn(own, say('second'));
  assert.is(own.spent, false);
  assert.is(await own.close(), null);
  assert.is(own.spent, true);
  const pid = /first of (\d+)/.exec(first.output)![1];
  assert.match(second.output, `second of ${pid}`);
  for (const [{ output, passed, failed, cases }, name, other] of [
    [first, 'first', 'second'],
    [second, 'second', 'first'],
  ] as const) {
    assert.equal([passed, failed, cases.map((each) => each.name)], [1, 0, [name]]);
    assert.match(output, `${name}!`);
    assert.not.match(output, other);
    assert.not.match(output, '\0');
  }
});

files('is spent by a file that fails, and says how it ended when that is its own fault', async () => {
  const own = begin();
  await runIn(own, `${HEADER}s('x', () => assert.is(1, 2)); \ns.run();`);
  assert.is(own.spent, true);
  assert.is(await own.close(), null);
  const atExit = begin();
  assert.is(
    (await runIn(atExit, `process.on('exit', () => process.kill(process.pid, 'SIGKILL'));\n${GOOD}`)).failed,
    0,
  );
  assert.is(await atExit.close(), 'the process ended with SIGKILL after its tests');
});

files.run();
