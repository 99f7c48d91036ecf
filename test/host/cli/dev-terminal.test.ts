// end to end
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab } from './cli-lab.ts';

const MAIN = fileURLToPath(new URL('../../../host/cli/main.ts', import.meta.url));

const test = suite('a project that is developed');
let lab: CliLab;
let file = '';
let source = '';

test.before(async () => {
  lab = await CliLab.open();
  assert.is((await lab.run(['new', 'thumb', '--template', 'ts-http'])).status, 0);
  file = join(lab.folder, 'thumb', 'src', 'function.ts');
  source = await readFile(file, 'utf8');
});
test.after(() => lab.close());

/** A child whose words are awaited from where the last ones ended. */
function hear(stream: NodeJS.ReadableStream) {
  let text = '';
  let wake = Promise.withResolvers<void>();
  stream.on('data', (chunk: Buffer) => {
    text += chunk;
    wake.resolve();
  });
  return async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(text);
      if (found !== null) {
        text = text.slice(found.index + found[0].length);
        return found;
      }
      wake = Promise.withResolvers();
      await wake.promise;
    }
  };
}

test('on a terminal is built again by r, cleared by c, ended by q', async () => {
  const words = [process.execPath, MAIN, 'dev', 'thumb', '--port', '0'].map((word) => `'${word}'`).join(' ');
  // A terminal of its own, by util-linux.
  const child = spawn('script', ['--quiet', '--return', '--command', words, '/dev/null'], {
    cwd: lab.folder,
    env: { ...lab.environment, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const said = hear(child.stdout);
  await said(/keys: r builds again · c clears · q ends/);
  child.stdin.write('x');
  child.stdin.write('r');
  await said(/\d served after \d+ ms/);
  child.stdin.write('c');
  await said(new RegExp(`${String.fromCharCode(27)}\\[2J`));
  child.stdin.write('q');
  assert.is(await ended, 0);
});

test('is tested again after each edit with --watch', async () => {
  const running = lab.start(['test', 'thumb', '--watch']);
  const said = hear(running.child.stdout);
  await said(/2 passed, 0 failed\n/);
  await writeFile(file, source.replace('Hello', 'Edited'));
  await said(/✗ [\s\S]*1 passed, 1 failed\n/);
  await writeFile(file, source.replace('return', 'retrun '));
  await running.said(/sources cannot be bundled/);
  await writeFile(file, source);
  await said(/2 passed, 0 failed\n/);
  running.child.kill('SIGINT');
  await running.ended;
});

test.run();
