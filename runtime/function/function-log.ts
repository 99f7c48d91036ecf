import type { LogLine } from '../../guest-sdk/protocol/index.ts';
import { Bell } from '../provision/index.ts';

/** What a line costs beyond its text, about: its object, times and ids. */
const LINE_OVERHEAD_BYTES = 200;

/** The latest lines of one function's log. The guest decides how much it writes, so the oldest go when the limit is met. */
export class FunctionLog {
  readonly #limitBytes: number;
  readonly #bell = new Bell();
  #lines: LogLine[] = [];
  #bytes = 0;
  /** How many lines were dropped: the number of the first line kept. */
  #dropped = 0;
  #closed = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps a line; one that is longer than a quarter of the limit is cut. */
  add(line: LogLine): void {
    const longest = Math.floor(this.#limitBytes / 4);
    const kept = line.text.length <= longest ? line : { ...line, text: `${line.text.slice(0, longest)}… (cut)` };
    this.#lines.push(kept);
    this.#bytes += costOf(kept);
    let over = 0;
    while (this.#bytes > this.#limitBytes && over < this.#lines.length - 1) {
      this.#bytes -= costOf(this.#lines[over]!);
      over += 1;
    }
    if (over > 0) this.#lines = this.#lines.slice(over);
    this.#dropped += over;
    this.#bell.ring();
  }

  /**
   * The kept lines, oldest first; with `follow` also those to come, until the log is closed or `signal` fires. Who reads
   * slowly misses dropped lines.
   */
  async *read({ follow = false, signal }: { follow?: boolean; signal?: AbortSignal } = {}): AsyncGenerator<LogLine> {
    let next = 0;
    while (signal?.aborted !== true) {
      next = Math.max(next, this.#dropped);
      const line = this.#lines[next - this.#dropped];
      if (line !== undefined) {
        next += 1;
        yield line;
      } else if (follow && !this.#closed) {
        await this.#bell.rung(signal);
      } else {
        return;
      }
    }
  }

  /** Ends everyone who follows. */
  close(): void {
    this.#closed = true;
    this.#bell.ring();
  }
}

function costOf(line: LogLine): number {
  return line.text.length + (line.entry?.context.length ?? 0) + LINE_OVERHEAD_BYTES;
}
