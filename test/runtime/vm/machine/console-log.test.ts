import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONSOLE_BYTES, ConsoleLog } from '../../../../runtime/vm/machine/console-log.ts';

const log = suite("a VM's console");

const text = async (chunks: AsyncIterable<Uint8Array>) => {
  let all = '';
  for await (const bytes of chunks) all += Buffer.from(bytes).toString('latin1');
  return all;
};

log('is read from its first byte on, by several, and to its end', async () => {
  const console = new ConsoleLog();
  console.push(Buffer.from('one '));
  const early = text(console);
  console.push(Buffer.from('two '));
  await new Promise((resolve) => setImmediate(resolve));
  console.push(Buffer.from('three'));
  const late = text(console);
  console.close();
  assert.equal(await Promise.all([early, late, text(console)]), Array(3).fill('one two three'));
});

for (const [pieces, size] of [
  [1, CONSOLE_BYTES + 5],
  [3, CONSOLE_BYTES / 2 + 7],
  [1000, 1001],
] as const) {
  log(`keeps the end of ${pieces} pieces of ${size} bytes, and says how much is missing`, async () => {
    const console = new ConsoleLog();
    let all = '';
    for (let at = 0; at < pieces; at++) {
      const piece = String.fromCharCode(97 + (at % 26)).repeat(size);
      console.push(Buffer.from(piece));
      all += piece;
    }
    console.close();
    const missing = all.length - CONSOLE_BYTES;
    assert.ok((await text(console)) === `[${missing} bytes are not kept]\n${all.slice(missing)}`);
  });
}

log('tells a slow reader what it missed', async () => {
  const console = new ConsoleLog();
  console.push(Buffer.from('begin'));
  const reader = console[Symbol.asyncIterator]();
  assert.is(String((await reader.next()).value), 'begin');
  console.push(Buffer.alloc(CONSOLE_BYTES + 3, 'x'));
  assert.is(String((await reader.next()).value), '[3 bytes are not kept]\n');
});

log('lets a reader go that waits', async () => {
  const console = new ConsoleLog();
  const reader = console[Symbol.asyncIterator]();
  const waiting = reader.next();
  await reader.return!();
  assert.equal(await waiting, { done: true, value: undefined });
  console.push(Buffer.from('more'));
  assert.is((await reader.next()).done, true);
});

log.run();
