import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChangeFeed, type CloudletEvent } from '../../../runtime/change-feed.ts';
import type { NotedInvocation } from '../../../runtime/invocation/noted-invocation.ts';
import { RecentInvocations } from '../../../runtime/invocation/recent-invocations.ts';

const recent = suite('recent invocations and changes');

/** The id that stands for a letter. */
const idOf = (letter: string) => `${letter.repeat(8)}-0000-4000-8000-000000000000`;

const invocation = (letter: string, more: Partial<NotedInvocation> = {}): NotedInvocation => ({
  id: idOf(letter),
  version: { name: 'f', version: 1 },
  door: 'run',
  target: undefined,
  beganAtMs: Date.UTC(2026, 10, 22),
  durationMs: null,
  outcome: 'running',
  callerTrace: null,
  start: undefined,
  ...more,
});

recent('running ones come first, then the latest that ended, and only so many are kept', () => {
  const kept = new RecentInvocations(2);
  for (const letter of ['a', 'b', 'c', 'd', 'e', 'f']) kept.begin(invocation(letter));
  for (const letter of ['e', 'f', 'b', 'a', 'c']) kept.end(invocation(letter, { outcome: 'ok', durationMs: 1 }));
  assert.equal(
    kept.list().map(({ id, outcome }) => `${id[0]} ${outcome}`),
    ['d running', 'c ok', 'a ok'],
  );
  assert.is(kept.find(idOf('b')), undefined);
});

recent('what is told of one that ended is what was known of it', () => {
  const kept = new RecentInvocations(2);
  const ended = { outcome: 'guest-trapped', durationMs: 1.5, start: 'idle' } as const;
  kept.end(invocation('a', { ...ended, door: 'call', target: 'echo', callerTrace: 'b'.repeat(32) }));
  kept.end(invocation('c', { ...ended, outcome: 'ok' }));
  kept.end(invocation('d', { ...ended, start: undefined }));
  kept.end(invocation('a', { ...ended, door: 'call', target: 'echo', callerTrace: 'b'.repeat(32) }));
  const common = { function: 'f', version: 1, startedAt: '2026-11-22T00:00:00.000Z', durationMs: 1.5 };
  assert.equal(kept.list(), [
    {
      ...common,
      id: idOf('a'),
      trace: 'b'.repeat(32),
      door: 'call',
      target: 'echo',
      outcome: 'guest-trapped',
      start: 'idle',
    },
    { ...common, id: idOf('d'), trace: 'dddddddd000040008000000000000000', door: 'run', outcome: 'guest-trapped' },
  ]);
  assert.equal(kept.find(idOf('d')), kept.list()[1]);
});

recent('a running one that is noted again stays one', () => {
  const kept = new RecentInvocations(2);
  kept.begin(invocation('a'));
  kept.begin(invocation('a', { start: 'boot' }));
  assert.equal(
    kept.list().map(({ start }) => start),
    ['boot'],
  );
  assert.is(kept.find(idOf('a'))?.start, 'boot');
  assert.is(kept.find(idOf('b')), undefined);
});

recent('every listener hears of a change, also when one of them throws, and none after it left', () => {
  const heard: CloudletEvent[] = [];
  const failures: unknown[] = [];
  const feed = new ChangeFeed((error) => failures.push(error));
  feed.subscribe(() => {
    throw new Error('a bad listener');
  });
  const listener = (event: CloudletEvent) => heard.push(event);
  const leave = feed.subscribe(listener);
  feed.subscribe(listener);
  feed.emit({ kind: 'functions' });
  leave();
  leave();
  feed.emit({ kind: 'sandboxes' });
  assert.equal(
    heard.map(({ kind }) => kind),
    ['functions', 'functions', 'sandboxes'],
  );
  assert.is(failures.length, 2);
});

recent.run();
