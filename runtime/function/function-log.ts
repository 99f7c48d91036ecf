import type { LogLine } from '../../guest-sdk/protocol/index.ts';
import { Bell } from '../provision/index.ts';

/** What a line costs beyond its text, about: its object, times and ids. */
const LINE_OVERHEAD_BYTES = 200;

/** How long a line waits for others before they are written, milliseconds: a guest that floods its log must not flood the disk. */
const GATHER_MS = 100;

/** Where lines outlive the process. */
export interface LogStore {
  /** The lines that were kept, oldest first. */
  readonly load: () => LogLine[];
  /** Keeps further lines. Throws when it cannot. */
  readonly append: (lines: readonly LogLine[]) => void;
}

/** How a log is kept. */
export interface FunctionLogOptions {
  readonly limitBytes: number;
  readonly store: LogStore;
  /** Hears why lines could not be stored, once until they can be again. */
  readonly unkept?: (reason: string) => void;
  readonly now?: () => number;
}

/** What is read of a log. */
export interface LogReadOptions {
  /** Only lines after the one of this `seq`. */
  readonly after?: number | undefined;
  /** Goes on with the lines to come, until the log is closed or `signal` fires. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The latest lines of one function's log, in memory and stored. The guest decides how much it writes, so the oldest go when the limit is
 * met, and what goes before it was stored never is: that bounds what a flood costs the disk, too.
 */
export class FunctionLog {
  readonly #options: FunctionLogOptions;
  #limitBytes: number;
  readonly #bell = new Bell();
  #lines: LogLine[] = [];
  #bytes = 0;
  /** How many lines were dropped: the number of the first line kept. */
  #dropped = 0;
  /** The number of the first line that is not stored yet. */
  #unstored = 0;
  #lastSeq = 0;
  #gathering: NodeJS.Timeout | null = null;
  #isKept = true;
  #closed = false;

  constructor(options: FunctionLogOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes;
    try {
      for (const line of options.store.load()) this.#take(line);
    } catch (error) {
      // Without what was kept, but never without the lines to come: an invocation must not fail for its log.
      options.unkept?.((error as Error).message);
    }
    this.#unstored = this.#dropped + this.#lines.length;
  }

  /** Keeps so many bytes in memory from now on; what is stored follows when the log is opened anew. */
  set limitBytes(bytes: number) {
    this.#limitBytes = bytes;
  }

  /** Keeps a line; one that is longer than a quarter of the limit is cut. */
  add(line: Omit<LogLine, 'seq' | 'at'>): void {
    if (this.#closed) return;
    const { now = Date.now } = this.#options;
    const longest = Math.floor(this.#limitBytes / 4);
    const text = line.text.length <= longest ? line.text : `${line.text.slice(0, longest)}… (cut)`;
    const atMs = now();
    // By the clock, in microseconds, so that no number comes twice: not after a restart that lost lines, nor in the log of another
    // function that gets the name.
    const seq = Math.max(this.#lastSeq + 1, atMs * 1000);
    this.#take({ seq, at: new Date(atMs).toISOString(), ...line, text });
    this.#gathering ??= setTimeout(() => this.#store(), GATHER_MS).unref();
    this.#bell.ring();
  }

  /**
   * The kept lines, oldest first. Two lines of the stream `host` may be among them that are in no log: one says that lines after `after`
   * are kept no more; the other, that this follower was too slow and lines were dropped meanwhile, and is the last that it gets.
   */
  async *read({ after = 0, follow = false, signal }: LogReadOptions = {}): AsyncGenerator<LogLine> {
    let last = after;
    let next = this.#dropped + this.#lines.findIndex((line) => line.seq > after);
    if (next < this.#dropped) next = this.#dropped + this.#lines.length;
    if (after > 0 && next === this.#dropped && this.#lines.length > 0)
      yield this.#said(last, 'lines may be missing here: the one that was read last is kept no more');
    while (signal?.aborted !== true) {
      if (next < this.#dropped) {
        const lost = this.#dropped - next;
        yield this.#said(
          last,
          `this reader was too slow: ${lost} lines are kept no more; read again after the last one`,
        );
        return;
      }
      const line = this.#lines[next - this.#dropped];
      if (line !== undefined) {
        next += 1;
        last = line.seq;
        yield line;
      } else if (follow && !this.#closed) {
        await this.#bell.rung(signal);
      } else {
        return;
      }
    }
  }

  /** Stores what is not, and ends everyone who follows. */
  close(): void {
    this.#store();
    this.discard();
  }

  /** Ends everyone who follows, and stores nothing more. */
  discard(): void {
    this.#closed = true;
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#bell.ring();
  }

  #take(line: LogLine): void {
    this.#lastSeq = line.seq;
    this.#lines.push(line);
    this.#bytes += costOf(line);
    let over = 0;
    while (this.#bytes > this.#limitBytes && over < this.#lines.length - 1) {
      this.#bytes -= costOf(this.#lines[over]!);
      over += 1;
    }
    if (over > 0) this.#lines = this.#lines.slice(over);
    this.#dropped += over;
  }

  #store(): void {
    this.#gathering = null;
    const lines = this.#lines.slice(Math.max(0, this.#unstored - this.#dropped));
    this.#unstored = this.#dropped + this.#lines.length;
    if (lines.length === 0 || this.#closed) return;
    try {
      this.#options.store.append(lines);
      this.#isKept = true;
    } catch (error) {
      // They are still in memory; who reads the log sees them until the host ends.
      if (this.#isKept) this.#options.unkept?.((error as Error).message);
      this.#isKept = false;
    }
  }

  /** What a reader is told, which is in no log: it has the number of the line before, so that reading goes on after that. */
  #said(seq: number, text: string): LogLine {
    const { now = Date.now } = this.#options;
    return { seq, at: new Date(now()).toISOString(), version: 0, invocation: '', stream: 'host', text };
  }
}

function costOf(line: LogLine): number {
  return line.text.length + (line.entry?.context.length ?? 0) + LINE_OVERHEAD_BYTES;
}
