// time limit: 300 s
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KEPT_FOLDER } from './support/kept-folder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What tsc knows of files that have not changed, for this checkout. */
const TYPES = join(KEPT_FOLDER, `types-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}.tsbuildinfo`);
const check = suite('npm run check');

for (const [name, command, args] of [
  // Other files are tested meanwhile: threads of its own only cost it more.
  [
    'the types hold',
    'tsc',
    [...'-p tsconfig.json --pretty false --singleThreaded --incremental --tsBuildInfoFile'.split(' '), TYPES],
  ],
  ['format and lint are clean', 'biome', ['check', '--error-on-warnings', '--colors=off', '--max-diagnostics=40']],
] as const) {
  check(name, () => {
    const result = spawnSync(`${ROOT}/node_modules/.bin/${command}`, args, { cwd: ROOT, encoding: 'utf8' });
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`);
  });
}

check.run();
