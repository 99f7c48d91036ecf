import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeptSteps } from './bench/synthesis/kept-steps.ts';
import { Samples, Unfinished } from './bench/synthesis/measured.ts';

const steps = suite<{ path: string; folder: string }>('the steps of a benchmark');

steps.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-steps-'));
  context.path = join(context.folder, 'cache', 'steps');
});
steps.after.each(({ folder }) => rm(folder, { recursive: true }));

/** Measures steps that take the next value each; gives what was measured anew. */
async function measured(path: string, names: readonly string[], what = 'this') {
  const samples = new Samples({ kept: await KeptSteps.open(path, what) });
  const anew: string[] = [];
  for (const name of names)
    await samples.step(name, 'ocr', async (add) => {
      anew.push(name);
      add('total_s', names.indexOf(name) + 1, '15mbit');
    });
  return { samples, anew };
}

steps('that were measured are not measured again, and a torn one is', async ({ path }) => {
  assert.equal((await measured(path, ['1', '2'])).anew, ['1', '2']);
  await appendFile(path, '{"step":"3","samp');
  assert.equal((await measured(path, ['1', '2', '3'])).anew, ['3']);
  const { samples, anew } = await measured(path, ['1', '2', '3']);
  assert.equal(anew, []);
  assert.equal(samples.figures(), { ocr_15mbit_total_s: 2, ocr_15mbit_total_s_p95: 3 });
});

steps('of other sources or another computer are measured anew', async ({ path }) => {
  await measured(path, ['1']);
  assert.equal((await measured(path, ['1'], 'another')).anew, ['1']);
});

steps('do not begin when the time is over, and those before are kept', async ({ path }) => {
  const kept = await KeptSteps.open(path, 'this');
  await new Samples({ kept }).step('1', 'ocr', async (add) => add('x', 1));
  const late = new Samples({ kept, untilMs: performance.now() - 1 });
  await late.step('1', 'ocr', async () => assert.unreachable('it was measured'));
  const failure = await late.step('2', 'ocr', async () => assert.unreachable('it is late')).catch((error) => error);
  assert.ok(failure instanceof Unfinished);
  assert.match(failure.message, 'before 2; what was measured is kept, run it again to go on');
});

steps('that fail are kept no part of', async ({ path }) => {
  const kept = await KeptSteps.open(path, 'this');
  const failing = new Samples({ kept }).step('1', 'ocr', async (add) => {
    add('x', 1);
    throw new Error('it broke');
  });
  assert.is(await failing.catch((error: Error) => error.message), 'it broke');
  assert.is((await readFile(path, 'utf8')).trim().split('\n').length, 1);
});

steps('are rows of samples, then medians and 95th percentiles', async ({ path }) => {
  const { samples } = await measured(path, ['1', '2', '3']);
  assert.equal(samples.csv().trim().split('\n'), [
    'application,link,figure,value,kind',
    ...[1, 2, 3].map((value) => `ocr,15mbit,total_s,${value},measured`),
    'ocr,15mbit,total_s,2,median',
    'ocr,15mbit,total_s,3,p95',
  ]);
});

steps.run();
