import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { FunctionLog } from '../../../runtime/function/function-log.ts';

const log = suite('a function log');

const line = (text: string): LogLine => ({
  at: '2026-11-22T10:00:00Z',
  version: 1,
  invocation: 'i',
  stream: 'stdout',
  text,
});

async function texts(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { text } of lines) seen.push(text);
  return seen;
}

log('keeps lines in order', async () => {
  const kept = new FunctionLog(10_000);
  for (const text of ['a', 'b', 'c']) kept.add(line(text));
  assert.equal(await texts(kept.read()), ['a', 'b', 'c']);
  assert.equal(await texts(new FunctionLog(10_000).read()), []);
});

log('drops the oldest lines when the limit is met, and stays within it', async () => {
  const kept = new FunctionLog(10_000);
  for (let number = 0; number < 1000; number += 1) kept.add(line(`${number}`.padEnd(300, '.')));
  const seen = await texts(kept.read());
  assert.is(seen.length, 20);
  assert.match(seen.at(-1)!, /^999\./);
  assert.match(seen[0]!, /^980\./);
});

log('cuts a line that is much longer than the rest may be', async () => {
  const kept = new FunctionLog(4000);
  kept.add(line('x'.repeat(1_000_000)));
  const [seen] = await texts(kept.read());
  assert.is(seen, `${'x'.repeat(1000)}… (cut)`);
});

log('a follower sees what is there, then what comes, until the log is closed', async () => {
  const kept = new FunctionLog(10_000);
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

log('a follower who is slow misses what was dropped, and nothing else', async () => {
  const kept = new FunctionLog(10_000);
  kept.add(line('first'));
  const reading = kept.read({ follow: true });
  assert.is((await reading.next()).value?.text, 'first');
  for (let number = 0; number < 100; number += 1) kept.add(line(`${number}`.padEnd(300, '.')));
  const { value } = await reading.next();
  assert.match(value!.text, /^80\./);
  await reading.return(undefined);
});

log('a follower leaves when its signal fires', async () => {
  const kept = new FunctionLog(10_000);
  const left = new AbortController();
  const following = texts(kept.read({ follow: true, signal: left.signal }));
  setImmediate(() => left.abort());
  assert.equal(await following, []);
  assert.equal(await texts(kept.read({ signal: AbortSignal.abort() })), []);
});

log.run();
