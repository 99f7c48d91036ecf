import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SecondReader } from '../../../../runtime/provision/package/second-reader.ts';

const readers = suite('a second reader');

/** Single bytes from 0 on. */
async function* numbers(count: number, breaks = false): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at += 1) yield Uint8Array.of(at);
  if (breaks) throw new Error('the link broke');
}

async function read(source: AsyncIterable<Uint8Array>, most = Number.POSITIVE_INFINITY): Promise<number[]> {
  const found: number[] = [];
  for await (const [byte] of source) {
    found.push(byte!);
    if (found.length === most) break;
  }
  return found;
}

const TEN = Array.from({ length: 10 }, (_, at) => at);

readers('reads what passes', async () => {
  const second = new SecondReader();
  const [along, first] = await Promise.all([read(second), read(second.passing(numbers(10)))]);
  assert.equal([along, first], [TEN, TEN]);
});

readers('may leave: the rest passes without him', async () => {
  const second = new SecondReader();
  const [along, first] = await Promise.all([read(second, 3), read(second.passing(numbers(10)))]);
  assert.equal([along, first], [[0, 1, 2], TEN]);
});

readers('holds the first back', async () => {
  const second = new SecondReader();
  const passing = second.passing(numbers(10));
  let passed = 0;
  const first = (async () => {
    for await (const _ of passing) passed += 1;
  })();
  const along = second[Symbol.asyncIterator]();
  for (let taken = 1; taken <= 3; taken += 1) {
    await along.next();
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    assert.is(passed, taken);
  }
  await along.return!(undefined);
  await first;
  assert.is(passed, 10);
});

readers('hears that the bytes broke off, and that the first reader left', async () => {
  for (const pass of [
    (second: SecondReader) => read(second.passing(numbers(3, true))).catch(() => []),
    (second: SecondReader) => read(second.passing(numbers(10)), 3),
  ]) {
    const second = new SecondReader();
    const along = read(second).catch((error: Error) => error.message);
    await pass(second);
    assert.is(await along, 'what he reads along broke off');
  }
});

readers.run();
