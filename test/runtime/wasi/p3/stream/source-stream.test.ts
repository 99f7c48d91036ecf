import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptySource, memorySource, StreamFailure } from '../../../../../runtime/wasi/index.ts';
import { OpenSource, SourceStream } from '../../../../../runtime/wasi/p3/stream/source-stream.ts';
import { PushSource, text, utf8 } from '../../backend.ts';
import { collect, seatWith, settle } from '../guest-parts.ts';

const streams = suite('a stream of the host for a guest');
const { context } = seatWith();

const opened = (source: ConstructorParameters<typeof SourceStream>[1]) => {
  const ends: (StreamFailure | null)[] = [];
  return { stream: new SourceStream(context, source, (failure) => ends.push(failure)), ends };
};

streams('gives what is at hand without a promise, and its end once', () => {
  const { stream, ends } = opened(memorySource(utf8('hello')));
  assert.equal(stream.next(), { value: utf8('hello'), done: false });
  assert.equal(stream.next(), { value: undefined, done: true });
  assert.equal(stream.next(), { value: undefined, done: true });
  assert.equal(ends, [null]);
});

streams('gives at most what a reader in the host asks for', () => {
  const { stream } = opened(memorySource(utf8('hello')));
  assert.equal(stream.read({ count: 2 }), { value: utf8('he'), done: false });
  assert.equal(stream.read({ count: 9 }), { value: utf8('llo'), done: false });
});

streams('waits for what has not come, and gives copies', async () => {
  const source = new PushSource();
  const { stream } = opened(source);
  const next = stream.next();
  await settle();
  source.push('ab');
  const { value } = await next;
  assert.is(text(value!), 'ab');
  const bytes = utf8('shared');
  const given = opened(memorySource(bytes)).stream.next() as unknown as { value: Uint8Array };
  bytes[0] = 0;
  assert.is(text(given.value), 'shared');
});

streams('ends with the failure for which no more comes', async () => {
  const source = new PushSource();
  const failure = new StreamFailure('the peer left');
  source.push('a');
  source.push(failure);
  const { stream, ends } = opened(source);
  assert.is(await collect(stream), 'a');
  assert.equal(ends, [failure]);
  assert.is(source.closed, true);
});

streams('that the guest drops wants no more, and has ended well', async () => {
  const source = new PushSource();
  const { stream, ends } = opened(source);
  await stream.return();
  assert.is(source.closed, true);
  assert.equal(ends, [null]);
  source.push('late');
  assert.equal(stream.next(), { value: undefined, done: true });
});

streams('an error that is none of the source is not hidden', () => {
  const read = (): never => {
    throw new TypeError('a defect');
  };
  assert.throws(() => opened({ ...emptySource, read }).stream.next(), 'a defect');
});

streams('over an open source leaves that as it is', async () => {
  const source = new PushSource();
  source.push('ab');
  source.push(null);
  const first = opened(new OpenSource(source)).stream;
  assert.equal(first.read({ count: 1 }), { value: utf8('a'), done: false });
  await first.return();
  assert.is(source.closed, false);
  assert.is(await collect(opened(new OpenSource(source)).stream), 'b');
});

streams.run();
