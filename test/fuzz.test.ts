// time limit: 240 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzz, fuzzTargets } from './fuzz/run.ts';

/** Each target's moment: a shorter one where only the fast tests are asked for. */
const SECONDS = process.env['CLOUDLET_TEST_FAST'] === '1' ? 0.3 : 1;
const targets = suite('fuzzing, for a moment each');

for (const name of fuzzTargets()) {
  targets(`${name} keeps its promise`, async () => {
    const seed = Date.now() >>> 0;
    process.stdout.write(`${name}: seed ${seed}\n`);
    assert.ok((await fuzz(name, SECONDS, seed)) > 0);
  });
}

targets.run();
