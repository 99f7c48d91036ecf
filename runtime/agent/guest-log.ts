import type { ByteSink, LogLevel } from '../wasi/index.ts';
import type { LogMessage } from './wire.ts';

/** Most text of one invocation that goes to the function's log, bytes: a guest in a loop must not fill the host's disk or the channel. */
export const LOG_BYTES = 64 * 1024;

/** Longest line that is kept together, bytes. */
const LINE_BYTES = 4096;

/** What a message of `wasi:logging` costs beside its text, bytes: else empty ones would be free. */
const ENTRY_BYTES = 32;

/** Longest context of such a message, characters. */
const CONTEXT_CHARACTERS = 256;

const NEWLINE = 0x0a;

/** The part of the log that one invocation may use, shared by its streams. */
export class LogBudget {
  #left: number;
  #dropped = 0;

  constructor(bytes = LOG_BYTES) {
    this.#left = bytes;
  }

  /** How many of `wanted` bytes may go out; the rest counts as dropped. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.#left);
    this.#left -= taken;
    this.#dropped += wanted - taken;
    return taken;
  }

  get droppedBytes(): number {
    return this.#dropped;
  }
}

/** A message of `wasi:logging` as it goes to the log, cut to what is left of the budget; null when that is nothing. */
export function logEntry(budget: LogBudget, level: LogLevel, context: string, message: string): LogMessage | null {
  const shown = context.slice(0, CONTEXT_CHARACTERS);
  const bytes = Buffer.from(message);
  const around = ENTRY_BYTES + Buffer.byteLength(shown);
  const kept = budget.take(around + bytes.length) - around;
  if (kept < 0) return null;
  return { stream: 'stderr', text: bytes.toString('utf8', 0, kept), entry: { level, context: shown } };
}

/** A guest's standard output or error on its way to the log, cut into lines. It never makes the guest wait. */
export class GuestLog implements ByteSink {
  readonly capacity = CAPACITY;
  readonly #budget: LogBudget;
  readonly #post: (text: string) => void;
  /** Made when it is needed: most invocations write nothing. */
  #decoder: TextDecoder | null = null;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(budget: LogBudget, post: (text: string) => void) {
    this.#budget = budget;
    this.#post = post;
  }

  write(bytes: Uint8Array): void {
    const kept = this.#budget.take(bytes.length);
    if (kept === 0) return;
    this.#decoder ??= new TextDecoder();
    this.#pending.push(new Uint8Array(bytes.subarray(0, kept)));
    this.#pendingBytes += kept;
    if (this.#pendingBytes >= LINE_BYTES || bytes.subarray(0, kept).includes(NEWLINE)) this.#postLines();
  }

  wait(): Promise<void> {
    return Promise.resolve();
  }

  flush(): undefined {
    return undefined;
  }

  close(): void {}

  /** Posts the rest, whether or not its line has ended. */
  finish(): void {
    if (this.#decoder === null) return;
    const text = this.#decoder.decode(Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
    if (text !== '') this.#post(text);
  }

  #postLines(): void {
    const all = Buffer.concat(this.#pending);
    const end = all.lastIndexOf(NEWLINE) + 1;
    // A line longer than the limit goes out in pieces.
    const cut = all.length - end >= LINE_BYTES ? all.length : end;
    const text = this.#decoder!.decode(all.subarray(0, cut), { stream: true });
    const rest = all.subarray(cut);
    this.#pending = rest.length === 0 ? [] : [rest];
    this.#pendingBytes = rest.length;
    if (text !== '') this.#post(text);
  }
}

const CAPACITY = 64 * 1024;

/** All that one invocation logs. */
export class GuestLogs {
  readonly #post: (log: LogMessage) => void;
  readonly #budget = new LogBudget();
  readonly #streams: GuestLog[] = [];

  constructor(post: (log: LogMessage) => void) {
    this.#post = post;
  }

  /** What a guest writes to such a stream comes here. */
  of(stream: 'stdout' | 'stderr'): GuestLog {
    const log = new GuestLog(this.#budget, (text) => this.#post({ stream, text }));
    this.#streams.push(log);
    return log;
  }

  /** Takes a message of `wasi:logging`. */
  take(level: LogLevel, context: string, message: string): void {
    const log = logEntry(this.#budget, level, context, message);
    if (log !== null) this.#post(log);
  }

  /** Posts what is left, and how much was dropped. */
  finish(): void {
    for (const stream of this.#streams) stream.finish();
    const { droppedBytes } = this.#budget;
    if (droppedBytes > 0) this.say(`${droppedBytes} more bytes were written and dropped`);
  }

  /** Says something about the guest, behind what it wrote itself. */
  say(sentence: string): void {
    this.#post({ stream: 'stderr', text: `… ${sentence}\n` });
  }
}
