import type { CloudletObserver } from '../runtime/index.ts';

/** Facts that go with a journal line. Never input, output, tokens or headers of a request. */
export type JournalFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where the host says what happens: one line for each event. */
export interface Journal {
  readonly info: (event: string, fields?: JournalFields) => void;
  readonly warn: (event: string, fields?: JournalFields) => void;
  /** `cause` is written with its stack, for the operator; it never reaches a caller. */
  readonly error: (event: string, fields?: JournalFields, cause?: unknown) => void;
}

type Level = 'info' | 'warn' | 'error';

/** Where lines go and how they look; `console.error` when left out, readable when that is a terminal, else JSON. */
export interface JournalOptions {
  readonly write?: (line: string, level: Level) => void;
  readonly readable?: boolean;
  readonly now?: () => Date;
}

/** Makes a journal: JSON lines for machines, `12:30:05 event key=value` for people. */
export function createJournal(options: JournalOptions = {}): Journal {
  const write = options.write ?? gathered(console.error);
  const readable = options.readable ?? process.stderr.isTTY === true;
  const { now } = options;
  const nowMs = now === undefined ? Date.now : () => now().getTime();
  const timeOf = isoTimes();
  const line =
    (level: Level) =>
    (event: string, fields: JournalFields = {}, cause?: unknown) => {
      const all = cause === undefined ? fields : { ...fields, cause: describe(cause) };
      write(
        readable
          ? readableLine(new Date(nowMs()), level, event, all)
          : jsonLine(`{"at":"${timeOf(nowMs())}","level":"${level}","event":${JSON.stringify(event)}`, all),
        level,
      );
    };
  return { info: line('info'), warn: line('warn'), error: line('error') };
}

/** Writes times, milliseconds since 1970, as `Date` does: thousands of lines a second differ in their last digits alone. */
function isoTimes(): (ms: number) => string {
  let [second, text] = [Number.NaN, ''];
  return (ms) => {
    const rest = ms % 1000;
    if (ms - rest !== second) {
      second = ms - rest;
      text = new Date(second).toISOString().slice(0, -4);
    }
    return `${text}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
  };
}

/** A line from its beginning and the facts behind it, which are written without a copy of them. */
function jsonLine(begin: string, facts: JournalFields): string {
  const text = JSON.stringify(facts);
  return text === '{}' ? `${begin}}` : `${begin},${text.slice(1)}`;
}

/** How long a line waits for others, milliseconds. */
const GATHER_MS = 20;

/** Lines that go at once: more would be there for two collections of young objects, after which they are garbage among the old. */
const MOST_LINES = 64;

/**
 * Writes lines together: each write to a pipe or a file stops the event loop, and a busy host has thousands of lines a second.
 * What is wrong is written at once, after what came before it; the rest at the latest when the process ends.
 */
function gathered(write: (text: string) => void): (line: string, level: Level) => void {
  let lines: string[] = [];
  let isDue = false;
  const due = () => {
    isDue = false;
    flush();
  };
  const flush = () => {
    if (lines.length === 0) return;
    const text = lines.join('\n');
    lines = [];
    write(text);
  };
  process.on('exit', flush);
  return (line, level) => {
    if (!isDue) setTimeout(due, GATHER_MS).unref();
    isDue = true;
    lines.push(line);
    if (level !== 'info' || lines.length === MOST_LINES) flush();
  };
}

/** A journal that says nothing, for callers that have their own way to look. */
export const silentJournal: Journal = createJournal({ write: () => {}, readable: false });

/** Writes what the engine reports into a journal. */
export function journalObserver(journal: Journal): CloudletObserver {
  return {
    published: (published) =>
      journal.info(published.created ? 'published' : 'published again', {
        function: published.name,
        version: published.version,
        digest: published.digest,
        bytes: published.sizeBytes,
      }),
    removed: ({ name }) => journal.info('removed', { function: name }),
    invoked: ({ id, name, version, outcome, durationMs, place, trace }) =>
      journal.info('invoked', {
        id,
        function: name,
        version,
        outcome,
        ms: Math.round(durationMs),
        start: place?.start,
        // One that began here has the invocation's id.
        trace: trace.parentSpanId === null ? undefined : trace.traceId,
      }),
    sandboxStarted: ({ id, name, via, ms }) =>
      journal.info('sandbox started', { id, function: name, via, ms: Math.round(ms) }),
    prepared: ({ name, version, ms }) => journal.info('prepared', { function: name, version, ms: Math.round(ms) }),
    sandboxClosed: ({ id, cause, reason }) =>
      reason === null
        ? journal.info('sandbox closed', { id, cause })
        : journal.warn('sandbox closed', { id, cause, reason }),
    serviceVmStarted: ({ id, name, via, ms }) =>
      journal.info('service started', { id, service: name, via, ms: Math.round(ms) }),
    serviceVmEnded: ({ id, name, cause, reason }) =>
      reason === null
        ? journal.info('service ended', { id, service: name, cause })
        : journal.warn('service ended', { id, service: name, cause, reason }),
    warning: (sentence) => journal.warn('warning', { detail: sentence }),
  };
}

function readableLine(at: Date, level: string, event: string, fields: JournalFields): string {
  const time = at.toTimeString().slice(0, 8);
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${printable(value)}`);
  return [time, ...(level === 'info' ? [] : [level]), event, ...facts].join(' ');
}

/** Quotes what could be mistaken for another field, or move the cursor of the terminal it is shown on. */
function printable(value: string | number | boolean | null | undefined): string {
  return typeof value === 'string' && !/^[\w.:/@-]+$/.test(value) ? JSON.stringify(value) : String(value);
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
