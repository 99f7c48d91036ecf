import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ServiceLog } from '../../../runtime/service/service-log.ts';

const log = suite('the log of a service');

async function kept(of: ServiceLog, after = 0): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of of.read({ after })) lines.push(text);
  return lines;
}

async function* chunks(...all: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const one of all) yield Buffer.from(one);
}

for (const [what, said, lines] of [
  ['whole lines', ['a\nb\n'], ['a', 'b']],
  ['lines in pieces', ['a', 'b\nc', 'd'], ['ab', 'cd']],
  ['line ends of terminals', ['a\r\nb\r\n'], ['a', 'b']],
  ['empty lines', ['\n\na\n'], ['', '', 'a']],
  ['a character in two pieces', [Buffer.from([0xc3]), Buffer.from([0xbc, 0x0a])], ['ü']],
  ['what is no text', [Buffer.from([0xff, 0x0a])], ['\ufffd']],
] as const) {
  log(`takes ${what}`, async () => {
    const one = new ServiceLog(10_000);
    await one.drain('v', chunks(...said));
    assert.equal(await kept(one), lines);
  });
}

log('cuts lines that never end, and drops the oldest when it is full', async () => {
  const one = new ServiceLog(100_000);
  await one.drain('v', chunks(...Array.from({ length: 1000 }, () => 'x'.repeat(1000))));
  const lines = await kept(one);
  assert.ok(lines.every((line) => line.length <= 4096));
  assert.ok(lines.join('').length <= 125_000, String(lines.join('').length));
});

log('a chunk of nothing but line breaks costs little', async () => {
  const one = new ServiceLog(10_000_000);
  await one.drain('v', chunks('\n'.repeat(65_536)));
  const lines = await kept(one);
  assert.equal([lines.length, lines[0]], [501, '65036 lines came at once and are not kept']);
});

log('numbers grow, also when the clock stands', async () => {
  const one = new ServiceLog(10_000, () => 1000);
  for (const text of ['a', 'b', 'c']) one.add('v', 'host', text);
  const seqs: number[] = [];
  for await (const { seq } of one.read()) seqs.push(seq);
  assert.equal(seqs, [1_000_000, 1_000_001, 1_000_002]);
  assert.equal(await kept(one, 1_000_000), ['b', 'c']);
});

log('who follows gets the lines to come, until the end', async () => {
  const one = new ServiceLog(10_000);
  one.add('v', 'console', 'a');
  const got: string[] = [];
  const following = (async () => {
    for await (const { text } of one.read({ follow: true })) got.push(text);
  })();
  await new Promise(setImmediate);
  one.add('v', 'console', 'b');
  await new Promise(setImmediate);
  one.close();
  await following;
  assert.equal(got, ['a', 'b']);
});

log('who is too slow is told how many lines are gone', async () => {
  const one = new ServiceLog(2000);
  one.add('v', 'console', 'first');
  const reader = one.read({ follow: true });
  assert.is((await reader.next()).value?.text, 'first');
  for (let at = 0; at < 100; at += 1) one.add('v', 'console', String(at));
  assert.match((await reader.next()).value!.text, /^\d+ lines are kept no more$/);
  assert.match((await reader.next()).value!.text, /^9\d$/);
  await reader.return(undefined);
});

log('a signal ends who follows', async () => {
  const one = new ServiceLog(2000);
  const leaving = new AbortController();
  const next = one.read({ follow: true, signal: leaving.signal }).next();
  leaving.abort();
  assert.equal(await next, { done: true, value: undefined });
});

log('a console that breaks is an end', async () => {
  const one = new ServiceLog(2000);
  await one.drain(
    'v',
    (async function* () {
      yield Buffer.from('last');
      throw new Error('EIO');
    })(),
  );
  assert.equal(await kept(one), ['last']);
});

log.run();
