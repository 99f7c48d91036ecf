import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memorySink, StreamFailure } from '../../../../../runtime/wasi/index.ts';
import { drain } from '../../../../../runtime/wasi/p3/stream/drain.ts';
import type { GuestStream } from '../../../../../runtime/wasi/p3/stream/guest-stream.ts';
import { text, utf8, WindowSink } from '../../backend.ts';
import { FakeStream, seatWith, settle } from '../guest-parts.ts';

const draining = suite("draining a guest's stream");
const { context } = seatWith();

draining('moves all of it and leaves the sink open', async () => {
  const [stream, sink] = [new FakeStream('hel', 'lo'), memorySink(100)];
  assert.is(await drain(context, stream, sink), null);
  assert.is(text(sink.bytes()), 'hello');
  assert.is(sink.closed, false);
  assert.is(stream.disposed, 1);
});

draining('asks for no more than the sink has room for', async () => {
  const [stream, sink] = [new FakeStream('hello'), new WindowSink(2)];
  const drained = drain(context, stream, sink);
  await settle();
  assert.is(sink.text, 'he');
  assert.equal(stream.asked, [2]);
  sink.drain();
  await settle();
  assert.is(sink.text, 'hell');
  sink.drain();
  assert.is(await drained, null);
  assert.is(sink.text, 'hello');
  assert.ok(sink.most <= 2);
});

draining('lets go of the guest when the sink takes no more', async () => {
  const [stream, sink] = [new FakeStream('a', 'b'), new WindowSink(1)];
  const drained = drain(context, stream, sink);
  await settle();
  const failure = new StreamFailure('nobody reads');
  sink.failure = failure;
  sink.drain();
  assert.is(await drained, failure);
  assert.is(sink.text, 'a');
  assert.is(stream.disposed, 1);
});

draining('waits until what was written is handed on', async () => {
  const [stream, sink] = [new FakeStream('a'), new WindowSink(10)];
  sink.flushing = Promise.withResolvers<void>();
  let isOver = false;
  const drained = drain(context, stream, sink).then(() => {
    isOver = true;
  });
  await settle();
  assert.is(isOver, false);
  sink.flushing.resolve();
  await drained;
});

draining('is waited for by who must know that the output is written', async () => {
  const seat = seatWith();
  const sink = new WindowSink(5);
  // The room is gone when the bytes arrive.
  const stream: GuestStream = {
    async read() {
      sink.held = 5;
      return { value: utf8('x'), done: true };
    },
    [Symbol.dispose]() {},
  };
  let isWritten = false;
  const drained = drain(seat.context, stream, sink);
  const written = seat.context.outputsWritten().then(() => {
    isWritten = true;
  });
  await settle();
  assert.is(isWritten, false);
  sink.drain();
  await Promise.all([drained, written]);
  assert.is(sink.text, 'x');
});

draining.run();
