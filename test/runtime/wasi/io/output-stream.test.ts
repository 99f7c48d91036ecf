import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Context } from '../../../../runtime/wasi/context.ts';
import { DISPOSE } from '../../../../runtime/wasi/dispose.ts';
import { GuestTrap, memorySource, StreamFailure } from '../../../../runtime/wasi/index.ts';
import { InputStream } from '../../../../runtime/wasi/io/input-stream.ts';
import { OutputStream } from '../../../../runtime/wasi/io/output-stream.ts';
import { backend, PushSource, thrown, utf8, WindowSink } from '../backend.ts';

const CLOSED = { tag: 'closed' };
const stream = suite('output-stream');

function open(window = 10) {
  const context = new Context(backend());
  const sink = new WindowSink(window);
  return { context, sink, stream: new OutputStream(context, sink) };
}

stream('permits what the sink can take and takes what was permitted', () => {
  const { sink, stream } = open();
  assert.is(stream.checkWrite(), 10n);
  stream.write(utf8('four'));
  stream.write(utf8('six...'));
  assert.is(sink.text, 'foursix...');
  assert.is(stream.checkWrite(), 0n);
});

/** The same act after the guest has asked what it may write. */
function permitted(act: (stream: OutputStream) => void) {
  return (stream: OutputStream) => {
    stream.checkWrite();
    act(stream);
  };
}

for (const [what, act] of [
  ['without asking', (stream: OutputStream) => stream.write(utf8('x'))],
  ['more than was permitted', permitted((stream) => stream.write(utf8('x'.repeat(11))))],
  ['more zeroes than were permitted', permitted((stream) => stream.writeZeroes(2n ** 63n))],
  ['4097 bytes and flush', (stream: OutputStream) => stream.blockingWriteAndFlush(new Uint8Array(4097))],
  ['4097 zeroes and flush', (stream: OutputStream) => stream.blockingWriteZeroesAndFlush(4097n)],
] as const) {
  stream(`writing ${what} traps`, () => {
    const { sink, stream } = open();
    assert.instance(
      thrown(() => act(stream)),
      GuestTrap,
    );
    assert.is(sink.text, '');
  });
}

stream('a permit that another handle of the same sink used up traps instead of overrunning the window', () => {
  const { context, sink, stream } = open();
  const other = new OutputStream(context, sink);
  stream.checkWrite();
  other.checkWrite();
  other.write(utf8('0123456789'));
  assert.instance(
    thrown(() => stream.write(utf8('x'))),
    GuestTrap,
  );
  assert.is(sink.most, 10);
});

stream('blocking-write-and-flush goes through a small window and never overruns it', async () => {
  const { sink, stream } = open(3);
  let done = false;
  const written = Promise.resolve(stream.blockingWriteAndFlush(utf8('0123456789'))).then(() => {
    done = true;
  });
  while (!done) {
    sink.drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await written;
  assert.is(sink.text, '0123456789');
  assert.is(sink.most, 3);
});

stream('while a flush is on its way nothing may be written and the pollable is not ready', async () => {
  const { sink, stream } = open();
  const pollable = stream.subscribe();
  assert.ok(pollable.ready());
  sink.flushing = Promise.withResolvers<void>();
  stream.checkWrite();
  stream.write(utf8('x'));
  stream.flush();
  assert.is(stream.checkWrite(), 0n);
  assert.not.ok(pollable.ready());
  const flushed = stream.blockingFlush();
  const ready = pollable.block();
  sink.flushing.resolve();
  await flushed;
  await ready;
  assert.is(stream.checkWrite(), 9n);
});

stream('a failure of the sink is told once, then the stream is closed', () => {
  const { sink, stream } = open();
  stream.checkWrite();
  sink.failure = new StreamFailure('the reader left');
  assert.ok(stream.subscribe().ready());
  const error = thrown(() => stream.write(utf8('x'))) as { tag: string; val: { toDebugString(): string } };
  assert.is(error.tag, 'last-operation-failed');
  assert.is(error.val.toDebugString(), 'the reader left');
  for (const call of [
    () => stream.checkWrite(),
    () => stream.write(utf8('')),
    () => stream.flush(),
    () => stream.blockingFlush(),
    () => stream.blockingWriteAndFlush(utf8('x')),
  ])
    assert.equal(thrown(call), CLOSED);
});

stream('a flush that fails is told to the one who waits for it', async () => {
  const { sink, stream } = open();
  sink.flushing = Promise.withResolvers<void>();
  const flushed = Promise.resolve(stream.blockingFlush()).catch((error: unknown) => error);
  sink.flushing.reject(new StreamFailure('the disk is full'));
  assert.is(((await flushed) as { tag: string }).tag, 'last-operation-failed');
});

stream('writes zeroes', () => {
  const { sink, stream } = open(100_000);
  stream.checkWrite();
  stream.writeZeroes(70_000n);
  assert.is(sink.text, '\0'.repeat(70_000));
  stream.blockingWriteZeroesAndFlush(5n);
  assert.is(sink.text.length, 70_005);
});

stream('splices no more than fits, and nothing when there is no room', () => {
  const { context, sink, stream } = open();
  const source = new InputStream(context, memorySource(utf8('0123456789abcdef')));
  assert.is(stream.splice(source, 2n ** 64n - 1n), 10n);
  assert.is(stream.splice(source, 6n), 0n);
  sink.drain();
  assert.is(stream.splice(source, 4n), 4n);
  assert.is(sink.text, '0123456789abcd');
});

stream('blocking-splice waits for room and for bytes, and passes on the end', async () => {
  const { context, sink, stream } = open();
  const source = new PushSource();
  const input = new InputStream(context, source);
  stream.checkWrite();
  stream.write(utf8('0123456789'));
  const spliced = stream.blockingSplice(input, 5n);
  sink.drain();
  source.push('later');
  assert.is(await spliced, 5n);
  source.push(null);
  assert.equal(
    thrown(() => stream.blockingSplice(input, 5n)),
    CLOSED,
  );
});

stream('waiting ends with a trap when the instance is closed', async () => {
  const { context, sink, stream } = open();
  sink.held = 10;
  const waiting = Promise.resolve(stream.blockingWriteAndFlush(utf8('x'))).catch((error: unknown) => error);
  context.close();
  assert.instance(await waiting, GuestTrap);
});

stream('dropping it closes the sink once', () => {
  const { context, sink, stream } = open();
  stream[DISPOSE]();
  stream[DISPOSE]();
  assert.ok(sink.closed);
  assert.is(context.handles, 0);
});

stream.run();
