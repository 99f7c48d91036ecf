// end to end
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { guest } from '../../support/guest.ts';
import { CliLab } from './cli-lab.ts';

const verbs = suite('verbs of a published function');
let lab: CliLab;
let digests: string[] = [];

const json = async (words: readonly string[]) => {
  const { status, text, errors } = await lab.run([...words, '--json']);
  assert.is(status, 0, errors);
  return JSON.parse(text);
};

verbs.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
  await writeFile(join(lab.folder, 'grant.json'), '{ "environment": { "VERSION": "2" } }');
  for (const more of [[], ['--grant', 'grant.json']]) {
    const ended = await lab.run(['publish', await guest('typed'), '--name', 'calc', ...more]);
    assert.is(ended.status, 0, ended.errors);
  }
  assert.is((await lab.run(['publish', await guest('cat'), '--name', 'echo'])).status, 0);
  const { versions } = await json(['versions', 'calc']);
  digests = versions.map(({ digest }: { digest: string }) => digest.slice('sha256:'.length)).reverse();
});
verbs.after(() => lab.close());

verbs('inspect tells of one version, by its number or by how its digest begins', async () => {
  const [first, second] = digests.map((digest) => digest.slice(0, 12));
  const one = await json(['inspect', 'calc@1']);
  assert.equal(
    [one.name, one.version, one.current, one.percent, one.digest.slice(7, 19)],
    ['calc', 1, false, 0, first],
  );
  assert.equal(one.grant.environment, {});
  const two = await json(['inspect', `calc@sha256:${second}`]);
  assert.equal([two.version, two.current, two.grant.environment], [2, true, { VERSION: '2' }]);
  const { text } = await lab.run(['inspect', `calc@${first}`]);
  assert.match(text, /^calc\n {2}digest .*\n[\s\S]*add: func[\s\S]* {2}version {2}1, published .*\n {2}calls {4}0 %\n/);
});

for (const [word, status, sentence] of [
  ['calc@7', 1, /expected a version of "calc" \(1, 2\), got 7/],
  ['calc@ffffffff', 1, /beginning of a digest of "calc" \(2 sha256:.*\), got sha256:ffffffff/],
  ['calc@x', 2, /expected a version, such as 1, or the beginning of its digest/],
  ['calc@', 2, /got ""/],
] as const)
  verbs(`inspect ${word} is refused`, async () => {
    const ended = await lab.run(['inspect', word]);
    assert.is(ended.status, status);
    assert.match(ended.errors, sentence);
  });

verbs('invoke, types, diff, split, logs and rollback take the same words', async () => {
  const [first, second] = digests.map((digest) => digest.slice(0, 8));
  assert.is((await lab.run(['invoke', `calc@${first}`, 'add', '1', '2'])).text, '3\n');
  assert.match((await lab.run(['types', `calc@${first}`])).text, new RegExp(`${digests[0]!.slice(0, 12)}`));
  assert.equal([(await json(['diff', 'calc', first!, second!])).from, 1], [1, 1]);
  const shared = await json(['split', 'calc', `${first}=25`]);
  assert.equal(shared.split.versions, [
    { version: 2, percent: 75 },
    { version: 1, percent: 25 },
  ]);
  assert.is((await lab.run(['logs', `calc@${first}`, '--json'])).status, 0);
  assert.is((await json(['rollback', `calc@${first}`])).version, 1);
  assert.match((await lab.run(['rollback', `calc@${first}`, '2'])).errors, /expected one version/);
  assert.is((await json(['rollback', 'calc', second!])).version, 2);
});

verbs('bench measures typed functions and commands, of a version when one is named', async () => {
  const few = ['--calls', '12', '--concurrency', '2'];
  const typed = await json(['bench', 'calc@1', 'add', '40', '2', ...few]);
  assert.equal([typed.calls, typed.errors], [12, {}]);
  assert.ok(typed.latencyMs.p50 > 0 && typed.latencyMs.p99 >= typed.latencyMs.p50);
  const counted = typed.histogram.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
  assert.is(counted, 12);
  await writeFile(join(lab.folder, 'input.json'), '[40, 2]');
  assert.is((await json(['bench', 'calc', 'add', '--input', 'input.json', ...few])).calls, 12);
  await writeFile(join(lab.folder, 'bytes'), Buffer.alloc(1000, 7));
  assert.equal((await json(['bench', 'calc', 'echo', '@bytes', ...few])).errors, {});
  const command = await lab.run(['bench', 'echo', '--input', 'input.json', ...few, '--', 'x']);
  assert.match(command.text, /^12 calls in [\s\S]*p50 .* p99.9 .*max [\s\S]*█[\s\S]*starts: /);
  assert.is(command.status, 0, command.errors);
});

for (const [words, sentence] of [
  [['calc'], /expected one of the exports of calc/],
  [['calc', 'nothing-like-it'], /calc has no export "nothing-like-it"; it has/],
  [['calc', 'add', 'x', '2'], /expected JSON for a, got x/],
  [['calc', 'echo', '@nowhere'], /nowhere cannot be read \(ENOENT\)/],
  [['calc', 'add', '1'], /expected 2 arguments for add: func\(.*, got 1/],
  [['calc', '--', 'x'], /words after "--" are for commands, which calc does not offer/],
  [['calc', '/path'], /a path is for http functions/],
] as const)
  verbs(`bench ${words.join(' ')} says what was expected`, async () => {
    const ended = await lab.run(['bench', ...words.slice(0, 1), '--calls', '2', ...words.slice(1)]);
    assert.is(ended.status, 2, ended.text + ended.errors);
    assert.match(ended.errors, sentence);
  });

verbs('rm takes a version away, and the function', async () => {
  assert.is((await json(['rm', `calc@${digests[0]!.slice(0, 9)}`])).version, 1);
  assert.equal((await json(['versions', 'calc'])).versions.length, 1);
  assert.equal(await json(['rm', 'calc']), { removed: 'calc' });
});

verbs.run();
