// time limit: 180 s
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const check = suite('npm run check');

for (const [name, command, args] of [
  ['the types hold', 'tsc', ['-p', 'tsconfig.json', '--pretty', 'false']],
  ['format and lint are clean', 'biome', ['check', '--error-on-warnings', '--colors=off', '--max-diagnostics=40']],
] as const) {
  check(name, () => {
    const result = spawnSync(`${ROOT}/node_modules/.bin/${command}`, args, { cwd: ROOT, encoding: 'utf8' });
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`);
  });
}

check.run();
