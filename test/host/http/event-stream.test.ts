import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventQueue } from '../../../host/http/event-queue.ts';
import { eventStream, formatEvent } from '../../../host/http/event-stream.ts';
import { serverTiming } from '../../../host/http/server-timing.ts';

const events = suite('events');

events('an event is its id, its name and one line of JSON', () => {
  assert.is(
    formatEvent({ event: 'line', id: '7', data: { text: 'a\nb\r\u2028' } }),
    'id: 7\nevent: line\ndata: {"text":"a\\nb\\r\u2028"}\n\n',
  );
  assert.is(formatEvent({ event: 'x', data: null }), 'event: x\ndata: null\n\n');
});

events('a stream opens at once, gives its events and ends with them', async () => {
  const queue = new EventQueue<{ event: string; data: unknown }>();
  let over: AbortSignal | undefined;
  const response = eventStream((left) => {
    over = left;
    return queue;
  });
  queue.push({ event: 'a', data: 1 });
  queue.end();
  assert.is(await response.text(), ': open\n\nevent: a\ndata: 1\n\n');
  assert.is(over?.aborted, true);
});

events('a reader that leaves stops the source, even while it waits', async () => {
  const stopped = Promise.withResolvers<void>();
  const reader = eventStream((left) => {
    const queue = new EventQueue<{ event: string; data: unknown }>();
    left.addEventListener('abort', () => {
      queue.end();
      stopped.resolve();
    });
    return queue;
  }).body!.getReader();
  await reader.read();
  const waiting = reader.read();
  await reader.cancel();
  await Promise.all([stopped.promise, waiting]);
});

events('a stream that nobody reads opens nothing', () => {
  eventStream(() => {
    throw new Error('opened');
  });
});

events('a slow reader gets the newest state of each thing, in bounded memory', async () => {
  const queue = new EventQueue<string>();
  queue.push('functions', 'f');
  for (let i = 0; i < 1000; i++) queue.push(`invocation ${i}`, `i${i % 300}`);
  queue.push('functions again', 'f');
  queue.end();
  const got: string[] = [];
  for await (const item of queue) got.push(item);
  assert.is(got.length, 256);
  assert.is(got.at(-1), 'functions again');
  assert.ok(!got.includes('functions'));
});

events('Server-Timing has the figures that are known', () => {
  assert.is(
    serverTiming({ queueMs: 0.12345, startMs: 84, start: 'boot' }, 3),
    'queue;dur=0.123, start;dur=84;desc="boot", run;dur=3',
  );
  assert.is(serverTiming({ queueMs: 0, startMs: 0, start: 'idle' }), 'queue;dur=0, start;dur=0;desc="idle"');
});

events.run();
