import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChangeFeed, type CloudletEvent } from '../../../runtime/change-feed.ts';
import { type NotedInvocation, RecentInvocations } from '../../../runtime/invocation/recent-invocations.ts';

const recent = suite('recent invocations and changes');

const invocation = (id: string, outcome: string, start?: string): NotedInvocation => ({
  id,
  noted: {
    id,
    trace: 'a'.repeat(32),
    function: 'f',
    version: 1,
    door: 'run',
    startedAt: '2026-11-22T10:00:00Z',
    durationMs: outcome === 'running' ? null : 1,
    outcome,
    ...(start === undefined ? {} : { start }),
  },
});

recent('running ones come first, then the latest that ended, and only so many are kept', () => {
  const kept = new RecentInvocations(2);
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) kept.begin(invocation(id, 'running'));
  for (const id of ['e', 'f', 'g', 'b', 'a', 'c']) kept.end(invocation(id, 'ok'));
  assert.equal(
    kept.list().map(({ id, outcome }) => `${id} ${outcome}`),
    ['d running', 'c ok', 'a ok'],
  );
});

recent('a running one that is noted again stays one', () => {
  const kept = new RecentInvocations(2);
  kept.begin(invocation('a', 'running'));
  kept.begin(invocation('a', 'running', 'boot'));
  assert.equal(
    kept.list().map(({ start }) => start),
    ['boot'],
  );
  assert.is(kept.find('a')?.start, 'boot');
  assert.is(kept.find('b'), undefined);
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
