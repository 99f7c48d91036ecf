import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { createJournal, journalObserver } from '../../host/journal.ts';
import { traceOf } from '../../runtime/invocation/trace.ts';
import { invoked, parent } from './invoked-event.ts';

const journal = suite('the journal');
const now = (): Date => new Date('2026-11-22T12:30:05.250Z');

function record(readable: boolean): { lines: string[]; journal: ReturnType<typeof createJournal> } {
  const lines: string[] = [];
  return { lines, journal: createJournal({ write: (line) => lines.push(line), readable, now }) };
}

journal('a machine gets one JSON object a line', () => {
  const { lines, journal } = record(false);
  journal.info('serving', { address: 'http://localhost:8080', skipped: undefined });
  journal.warn('warning', { detail: 'two\nlines' });
  assert.equal(lines, [
    '{"at":"2026-11-22T12:30:05.250Z","level":"info","event":"serving","address":"http://localhost:8080"}',
    '{"at":"2026-11-22T12:30:05.250Z","level":"warn","event":"warning","detail":"two\\nlines"}',
  ]);
});

journal('times are written as dates write them', () => {
  const times = [0, 7, 65, 999, 1000, 1000, 999, 1_764_000_000_001, 1_764_000_059_999, 1_764_000_060_000];
  const lines: string[] = [];
  let at = 0;
  const { info } = createJournal({
    write: (line) => lines.push(line),
    readable: false,
    now: () => new Date(times[at++]!),
  });
  for (const _ of times) info('event');
  assert.equal(
    lines.map((line) => JSON.parse(line).at),
    times.map((ms) => new Date(ms).toISOString()),
  );
});

journal('a person gets a short line, and text from outside cannot break out of it', () => {
  const { lines, journal } = record(true);
  journal.warn('withheld', { function: 'hello', detail: 'a b=c\u001b[2J\n' });
  assert.match(lines[0]!, /^\d\d:\d\d:05 warn withheld function=hello detail="a b=c\\u001b\[2J\\n"$/);
});

journal('an error carries its cause with the stack', () => {
  const { lines, journal } = record(false);
  journal.error('request failed', { reference: 'r' }, new TypeError('deep inside'));
  assert.match(JSON.parse(lines[0]!).cause, /TypeError: deep inside\n.*journal\.test\.ts/s);
});

journal('what is wrong is written at once, after what came before it', () => {
  const written: string[] = [];
  const kept = console.error;
  console.error = (text: string) => written.push(text);
  try {
    const { info, warn } = createJournal({ readable: false, now });
    info('first');
    info('second');
    assert.equal(written, []);
    warn('third');
  } finally {
    console.error = kept;
  }
  assert.equal(
    written.map((text) => text.split('\n').map((line) => JSON.parse(line).event)),
    [['first', 'second', 'third']],
  );
});

journal('sixty-four lines are written at once, together', () => {
  const written: string[] = [];
  const kept = console.error;
  console.error = (text: string) => written.push(text);
  try {
    const { info } = createJournal({ readable: false, now });
    for (let at = 0; at < 130; at++) info(`event ${at}`);
  } finally {
    console.error = kept;
  }
  const events = written.map((text) => text.split('\n').map((line) => JSON.parse(line).event));
  assert.equal(
    events.map(({ length, 0: first }) => [length, first]),
    [
      [64, 'event 0'],
      [64, 'event 64'],
    ],
  );
});

journal('it is told what the engine reports', () => {
  const { lines, journal } = record(true);
  const observer = journalObserver(journal);
  observer.invoked?.({
    ...invoked,
    outcome: 'guest-trapped',
    durationMs: 12.7,
  });
  observer.invoked?.({ ...invoked, trace: traceOf(invoked.id, parent, () => true) });
  observer.prepared?.({ name: parseName('hello'), version: 2, ms: 812.4 });
  observer.sandboxClosed?.({ id: 's1', cause: 'poisoned', reason: 'QEMU ended' });
  observer.sandboxClosed?.({ id: 's2', cause: 'evicted', reason: null });
  assert.equal(
    lines.map((line) => line.slice(9)),
    [
      `invoked id=${invoked.id} function=hello version=2 outcome=guest-trapped ms=13 start=boot`,
      `invoked id=${invoked.id} function=hello version=2 outcome=ok ms=25 start=boot trace=${parent.traceId}`,
      'prepared function=hello version=2 ms=812',
      'warn sandbox closed id=s1 cause=poisoned reason="QEMU ended"',
      'sandbox closed id=s2 cause=evicted',
    ],
  );
});

journal.run();
