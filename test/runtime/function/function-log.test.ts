import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { FunctionLog, type FunctionLogOptions } from '../../../runtime/function/function-log.ts';

const log = suite('a function log');

const line = (text: string) => ({ version: 1, invocation: 'i', stream: 'stdout', text }) as const;

/** A log over a store in memory; `stored` are the lines that outlive it. */
function open(limitBytes: number, stored: LogLine[] = [], more: Partial<FunctionLogOptions> = {}): FunctionLog {
  const store = { load: () => [...stored], append: (lines: readonly LogLine[]) => void stored.push(...lines) };
  return new FunctionLog({ limitBytes, store, ...more });
}

async function texts(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { text } of lines) seen.push(text);
  return seen;
}

log('keeps lines in order', async () => {
  const kept = open(10_000);
  for (const text of ['a', 'b', 'c']) kept.add(line(text));
  assert.equal(await texts(kept.read()), ['a', 'b', 'c']);
  assert.equal(await texts(open(10_000).read()), []);
});

log('drops the oldest lines when the limit is met, and stays within it', async () => {
  const kept = open(10_000);
  for (let number = 0; number < 1000; number += 1) kept.add(line(`${number}`.padEnd(300, '.')));
  const seen = await texts(kept.read());
  assert.is(seen.length, 20);
  assert.match(seen.at(-1)!, /^999\./);
  assert.match(seen[0]!, /^980\./);
});

log('cuts a line that is much longer than the rest may be', async () => {
  const kept = open(4000);
  kept.add(line('x'.repeat(1_000_000)));
  const [seen] = await texts(kept.read());
  assert.is(seen, `${'x'.repeat(1000)}… (cut)`);
});

log('a follower sees what is there, then what comes, until the log is closed', async () => {
  const kept = open(10_000);
  kept.add(line('before'));
  const seen: string[] = [];
  const following = (async () => {
    for await (const { text } of kept.read({ follow: true })) {
      seen.push(text);
      if (text === 'before') kept.add(line('meanwhile'));
      if (text === 'meanwhile') setImmediate(() => kept.add(line('later')));
      if (text === 'later') setImmediate(() => kept.close());
    }
  })();
  await following;
  assert.equal(seen, ['before', 'meanwhile', 'later']);
});

log(
  'a follower who is too slow is told how much it missed, dropped, and let in again after its last line',
  async () => {
    const kept = open(10_000);
    kept.add(line('first'));
    const reading = kept.read({ follow: true });
    const first = (await reading.next()).value!;
    for (let number = 0; number < 100; number += 1) kept.add(line(`${number}`.padEnd(300, '.')));
    const told = (await reading.next()).value!;
    assert.match(told.text, /too slow: 80 lines are kept no more/);
    assert.equal([told.stream, told.seq], ['host', first.seq]);
    assert.is((await reading.next()).done, true);
    const again = await texts(kept.read({ after: told.seq }));
    assert.match(again[0]!, /may be missing/);
    assert.match(again[1]!, /^80\./);
    assert.is(again.length, 21);
  },
);

log('reading goes on after a line, and says when that is kept no more', async () => {
  const kept = open(10_000);
  for (const text of ['a', 'b', 'c']) kept.add(line(text));
  const seqs: number[] = [];
  for await (const { seq } of kept.read()) seqs.push(seq);
  assert.ok(seqs[0]! < seqs[1]! && seqs[1]! < seqs[2]!);
  assert.equal(await texts(kept.read({ after: seqs[0]! })), ['b', 'c']);
  assert.equal(await texts(kept.read({ after: seqs[2]! })), []);
  const earlier = await texts(kept.read({ after: seqs[0]! - 1 }));
  assert.match(earlier[0]!, /may be missing/);
  assert.equal(earlier.slice(1), ['a', 'b', 'c']);
});

log('a follower leaves when its signal fires', async () => {
  const kept = open(10_000);
  const left = new AbortController();
  const following = texts(kept.read({ follow: true, signal: left.signal }));
  setImmediate(() => left.abort());
  assert.equal(await following, []);
  assert.equal(await texts(kept.read({ signal: AbortSignal.abort() })), []);
});

log('lines outlive the log, and the numbers go on, also when the clock went back', async () => {
  const stored: LogLine[] = [];
  const before = open(10_000, stored, { now: () => 2_000_000 });
  for (const text of ['a', 'b']) before.add(line(text));
  before.close();
  before.add(line('after the end'));
  const after = open(10_000, stored, { now: () => 1_000_000 });
  after.add(line('c'));
  const seen: LogLine[] = [];
  for await (const one of after.read()) seen.push(one);
  assert.equal(
    seen.map(({ seq, text }) => [seq, text]),
    [
      [2_000_000_000, 'a'],
      [2_000_000_001, 'b'],
      [2_000_000_002, 'c'],
    ],
  );
  after.close();
  assert.equal(stored, seen);
});

log('what a flood dropped before it was stored is not stored', () => {
  const stored: LogLine[] = [];
  const kept = open(10_000, stored);
  for (let number = 0; number < 100_000; number += 1) kept.add(line(`${number}`.padEnd(300, '.')));
  kept.close();
  assert.is(stored.length, 20);
  assert.match(stored[0]!.text, /^99980\./);
});

log('a store that fails costs nobody a line while the log is open, and is told of once', async () => {
  const told: string[] = [];
  const store = {
    load: (): LogLine[] => {
      throw new Error('EACCES');
    },
    append: () => {
      throw new Error('ENOSPC');
    },
  };
  const kept = new FunctionLog({ limitBytes: 10_000, store, unkept: (reason) => told.push(reason) });
  kept.add(line('a'));
  assert.equal(await texts(kept.read()), ['a']);
  kept.close();
  assert.equal(told, ['EACCES', 'ENOSPC']);
});

log.run();
