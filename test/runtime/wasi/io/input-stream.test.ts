import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Context } from '../../../../runtime/wasi/context.ts';
import { DISPOSE } from '../../../../runtime/wasi/dispose.ts';
import { GuestTrap, memorySource, StreamFailure } from '../../../../runtime/wasi/index.ts';
import { IoError } from '../../../../runtime/wasi/io/error.ts';
import { InputStream } from '../../../../runtime/wasi/io/input-stream.ts';
import { Pollable } from '../../../../runtime/wasi/io/pollable.ts';
import { backend, PushSource, text, thrown, utf8 } from '../backend.ts';

const CLOSED = { tag: 'closed' };
const stream = suite('input-stream');

function open(source = new PushSource()) {
  const context = new Context(backend());
  return { context, source, stream: new InputStream(context, source) };
}

stream('gives what is at hand, nothing while nothing is, and closed at the end', () => {
  const { source, stream } = open();
  assert.is(stream.read(10n).length, 0);
  source.push('hello');
  assert.is(text(stream.read(2n)), 'he');
  assert.is(text(stream.read(10n)), 'llo');
  source.push(null);
  assert.equal(
    thrown(() => stream.read(1n)),
    CLOSED,
  );
  assert.equal(
    thrown(() => stream.skip(1n)),
    CLOSED,
  );
});

stream('clips a length beyond every number before it reads', () => {
  const { context } = open();
  const source = memorySource(new Uint8Array(3 * 1024 * 1024));
  assert.is(new InputStream(context, source).read(2n ** 64n - 1n).length, 1024 * 1024);
});

stream('a read of nothing gives nothing and waits for nothing', () => {
  const { stream } = open();
  assert.is(stream.read(0n).length, 0);
  assert.is((stream.blockingRead(0n) as Uint8Array).length, 0);
});

stream('blocking-read waits for bytes, and for the end', async () => {
  const { source, stream } = open();
  const first = stream.blockingRead(10n);
  assert.instance(first, Promise);
  source.push('late');
  assert.is(text(await first), 'late');
  const skipped = stream.blockingSkip(10n);
  source.push('four');
  assert.is(await skipped, 4n);
  const last = Promise.resolve(stream.blockingRead(10n)).catch((error: unknown) => error);
  source.push(null);
  assert.equal(await last, CLOSED);
});

stream('a failure is told once with its reason, then the stream is closed', () => {
  const { source, stream } = open();
  source.push(new StreamFailure('the wire broke', { http: { tag: 'connection-terminated' } }));
  const error = thrown(() => stream.read(1n)) as { tag: string; val: IoError };
  assert.is(error.tag, 'last-operation-failed');
  assert.is(error.val.toDebugString(), 'the wire broke');
  assert.equal(IoError.httpErrorCode(error.val), { tag: 'connection-terminated' });
  assert.is(IoError.filesystemErrorCode(error.val), undefined);
  assert.equal(
    thrown(() => stream.read(1n)),
    CLOSED,
  );
});

stream('a mistake of the backend is no typed error', () => {
  const { source, stream } = open();
  source.push(new TypeError('a mistake'));
  assert.instance(
    thrown(() => stream.read(1n)),
    TypeError,
  );
});

stream('its pollable follows it, and is ready once it is dropped', () => {
  const { context, source, stream } = open();
  const pollable = stream.subscribe();
  assert.not.ok(pollable.ready());
  source.push('x');
  assert.ok(pollable.ready());
  stream.read(1n);
  assert.not.ok(pollable.ready());
  stream[DISPOSE]();
  stream[DISPOSE]();
  assert.ok(pollable.ready());
  assert.ok(source.closed);
  assert.is(context.handles, 1);
  pollable[DISPOSE]();
  assert.is(context.handles, 0);
});

stream('polling a silent source again and again leaves one wait', async () => {
  const { context, source, stream } = open();
  for (let round = 0; round < 50; round++) {
    const pollable = stream.subscribe();
    const other = new PushSource();
    const ready = new InputStream(context, other);
    const polled = Pollable.poll(context, [pollable, ready.subscribe()]);
    other.push('x');
    assert.equal([...(await polled)], [1]);
    pollable[DISPOSE]();
  }
  assert.is(source.waits, 1);
});

stream('an object that only looks like a stream, as the glue makes for a bad handle, is a trap', () => {
  const forged = Object.create(InputStream.prototype) as InputStream;
  for (const call of [() => forged.read(1n), () => forged.subscribe(), () => forged.blockingSkip(1n)]) {
    const error = thrown(call);
    assert.instance(error, TypeError);
    assert.not.ok(Object.hasOwn(error as object, 'payload'));
  }
});

stream('a guest that holds too many resources traps', () => {
  const context = new Context(backend({ limits: { ...backend().limits, handles: 3 } }));
  const stream = new InputStream(context, memorySource(utf8('x')));
  stream.subscribe();
  stream.subscribe();
  assert.instance(
    thrown(() => stream.subscribe()),
    GuestTrap,
  );
});

stream.run();
