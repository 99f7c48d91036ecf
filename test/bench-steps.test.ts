import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mergedResults, parseResults, resultsText, type Sample } from './bench/synthesis/kept-results.ts';
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

steps('of an application that are done with are forgotten, those of others are gone on with', async ({ path }) => {
  const kept = await KeptSteps.open(path, 'this');
  for (const step of ['ocr, 1', 'hear, 1']) await kept.keep(step, []);
  await kept.forget(['ocr, 1', 'ocr, 2']);
  const again = await KeptSteps.open(path, 'this');
  assert.equal([again.of('ocr, 1'), again.of('hear, 1')], [undefined, []]);
  await again.forget(['hear, 1']);
  assert.is(await readFile(path, 'utf8').catch(({ code }) => code), 'ENOENT');
});

const sample = (application: string, figure: string, value: number): Sample => ({
  ...{ application, link: '15mbit', figure, value, kind: 'measured' },
});

steps('are rows of samples, then medians and 95th percentiles', () => {
  const samples = [1, 2, 3].map((value) => sample('ocr', 'total_s', value));
  const text = resultsText({ machines: ['a computer'], samples });
  assert.equal(text.trim().split('\n'), [
    '# a computer',
    'application,link,figure,value,kind',
    ...[1, 2, 3].map((value) => `ocr,15mbit,total_s,${value},measured`),
    'ocr,15mbit,total_s,2,median',
    'ocr,15mbit,total_s,3,p95',
  ]);
  assert.equal(parseResults(text), { machines: ['a computer'], samples });
  assert.equal(parseResults(''), { machines: [], samples: [] });
});

const BEFORE = {
  machines: ['one'],
  samples: [sample('ocr', 'a', 1), sample('ocr', 'b', 2), sample('hear', 'a', 3), sample('hear', 'a', 4)],
};
for (const [what, complete, rows] of [
  ['all that was known of an application, when all of it was measured', ['ocr'], ['ocr a 9', 'hear a 3', 'hear a 4']],
  ['the figures that were, when the time was over before', [], ['ocr a 9', 'ocr b 2', 'hear a 3', 'hear a 4']],
] as const)
  steps(`of a part of what is measured replace ${what}`, () => {
    const now = { machines: ['two'], samples: [sample('ocr', 'a', 9)] };
    const { machines, samples } = mergedResults(BEFORE, now, new Set(complete));
    assert.equal(
      samples.map(({ application, figure, value }) => `${application} ${figure} ${value}`),
      rows,
    );
    assert.equal(machines, ['one', 'two'], 'it is said where the others are from');
    assert.equal(mergedResults(BEFORE, now, new Set(['ocr', 'hear'])).machines, ['two']);
  });

steps.run();
