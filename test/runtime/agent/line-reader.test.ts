import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  EPOCH_BYTES,
  encodeFrame,
  FIRST_EPOCH,
  type Frame,
  LineReader,
  WireError,
} from '../../../runtime/agent/wire.ts';
import { SeededRandom } from '../../support/random.ts';

const NEXT = Uint8Array.from({ length: EPOCH_BYTES }, (_, at) => at);
const mark = (epoch: Uint8Array) => encodeFrame('mark', 0, epoch);
const body = (id: number, text = 'body') => encodeFrame('body', id, Buffer.from(text));
const seen = (frames: readonly Frame[]) => frames.map(({ kind, id }) => `${kind} ${id}`);

const line = suite('the reader of a line');

line('gives nothing before the mark, whatever that is', () => {
  const reader = new LineReader(NEXT);
  const stream = Buffer.concat([body(1).subarray(5), mark(FIRST_EPOCH), Buffer.from('no frame'), mark(NEXT), body(2)]);
  assert.equal(seen(reader.push(stream)), ['mark 0', 'body 2']);
  assert.equal(seen(reader.push(body(3))), ['body 3']);
});

line('gives a second mark of the epoch as any frame', () => {
  const reader = new LineReader(FIRST_EPOCH);
  assert.equal(seen(reader.push(Buffer.concat([mark(FIRST_EPOCH), mark(FIRST_EPOCH), body(1)]))), [
    'mark 0',
    'mark 0',
    'body 1',
  ]);
});

line('goes on without a mark where one came before', () => {
  const reader = new LineReader(FIRST_EPOCH);
  reader.resume();
  assert.equal(seen(reader.push(body(1))), ['body 1']);
});

line('refuses what is no frame, but only behind the mark', () => {
  const reader = new LineReader(FIRST_EPOCH);
  assert.equal(reader.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), []);
  assert.throws(
    () => reader.push(Buffer.concat([mark(FIRST_EPOCH), Buffer.from('HTTP/1.1 200 OK\r\n\r\n')])),
    (error: unknown) => error instanceof WireError,
  );
});

line('gives what a worker said before it ended, as far as it was whole, then what its successor says', () => {
  for (let cut = 0; cut <= body(2).length; cut += 1) {
    for (const size of [1, 7, 1000]) {
      const reader = new LineReader(FIRST_EPOCH);
      const frames = reader.push(mark(FIRST_EPOCH));
      reader.expect(NEXT);
      const stream = Buffer.concat([body(1), body(2).subarray(0, cut), mark(NEXT), body(3)]);
      for (let at = 0; at < stream.length; at += size) frames.push(...reader.push(stream.subarray(at, at + size)));
      const whole = cut === body(2).length ? ['body 2'] : [];
      assert.equal(seen(frames), ['mark 0', 'body 1', ...whole, 'mark 0', 'body 3'], `cut at ${cut}, by ${size}`);
    }
  }
});

line('forgets what a worker said that never came to its own mark', () => {
  const reader = new LineReader(FIRST_EPOCH);
  reader.push(mark(FIRST_EPOCH).subarray(0, 9));
  reader.expect(NEXT);
  assert.equal(seen(reader.push(Buffer.concat([body(1), mark(NEXT), body(2)]))), ['mark 0', 'body 2']);
});

line('finds its mark after any number of workers that ended anywhere', () => {
  const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now()));
  for (let round = 0; round < 300; round += 1) {
    const reader = new LineReader(FIRST_EPOCH);
    let epoch = FIRST_EPOCH;
    for (let worker = 0; worker < 5; worker += 1) {
      const said = Buffer.concat([mark(epoch), body(worker), body(worker, 'x'.repeat(random.below(300)))]);
      const heard = reader.push(said.subarray(0, random.below(said.length)));
      assert.ok(
        heard.every(({ kind, id }) => kind === 'mark' || id === worker),
        `seed ${random.seed}, round ${round}`,
      );
      epoch = random.bytes(EPOCH_BYTES);
      reader.expect(epoch);
    }
    const last = reader.push(Buffer.concat([mark(epoch), body(99)]));
    assert.equal(seen(last).slice(-2), ['mark 0', 'body 99'], `seed ${random.seed}, round ${round}`);
  }
});

line.run();
