import type { LogLine } from '../../guest-sdk/protocol/index.ts';

/** Longest line; what is longer is cut into several. A guest chooses, the cloudlet pays. */
const MAX_LINE_CHARS = 4096;

/** Lines of one chunk that are kept: a chunk of nothing but line breaks has tens of thousands, and takes the host's time. */
const MAX_LINES_AT_ONCE = 500;

/** What a line costs beyond its text, about. */
const LINE_OVERHEAD_BYTES = 200;

/** What is read of a log. */
export interface ServiceLogOptions {
  /** Only lines after the one of this `seq`. */
  readonly after?: number | undefined;
  /** Goes on with the lines to come, until the log is closed or `signal` fires. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The latest lines of a service: what the consoles of its VMs say, and what the host says about them. In memory alone: a console is
 * a flood when its guest wants it to be, and its VMs do not outlive the host either.
 */
export class ServiceLog {
  readonly #limitBytes: number;
  readonly #now: () => number;
  readonly #readers = new Set<() => void>();
  #lines: LogLine[] = [];
  #bytes = 0;
  /** Of lines that were dropped: the number of the first that is kept. */
  #dropped = 0;
  #lastSeq = 0;
  #closed = false;

  constructor(limitBytes: number, now: () => number = Date.now) {
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  /** Keeps a line of a VM; of the host's own when `stream` says so. */
  add(vm: string, stream: 'console' | 'host', text: string): void {
    if (this.#closed) return;
    for (let at = 0; at === 0 || at < text.length; at += MAX_LINE_CHARS) {
      this.#take(vm, stream, text.slice(at, at + MAX_LINE_CHARS));
    }
    for (const wake of this.#readers) wake();
  }

  /** Takes what a console says, as it comes, until it ends. Never rejects: a console ends with its VM. */
  async drain(vm: string, console: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of console) {
        const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split('\n');
        rest = lines.pop()!;
        if (lines.length > MAX_LINES_AT_ONCE) {
          const dropped = lines.splice(0, lines.length - MAX_LINES_AT_ONCE).length;
          this.add(vm, 'host', `${dropped} lines came at once and are not kept`);
        }
        for (const line of lines) this.add(vm, 'console', line.replace(/\r$/, ''));
        if (rest.length < MAX_LINE_CHARS) continue;
        this.add(vm, 'console', rest);
        rest = '';
      }
    } catch {
      // What broke the console has ended the VM, whose end is told.
    }
    if (rest !== '') this.add(vm, 'console', rest);
  }

  /** The kept lines, oldest first; a reader that is too slow is told how many it missed, and goes on. */
  async *read({ after = 0, follow = false, signal }: ServiceLogOptions = {}): AsyncGenerator<LogLine> {
    let next = this.#dropped + this.#lines.findIndex(({ seq }) => seq > after);
    if (next < this.#dropped) next = this.#dropped + this.#lines.length;
    while (signal?.aborted !== true) {
      if (next < this.#dropped) {
        const lost = this.#dropped - next;
        next = this.#dropped;
        yield this.#said(this.#lines[0]!.seq - 1, `${lost} lines are kept no more`);
      }
      const line = this.#lines[next - this.#dropped];
      if (line !== undefined) {
        next += 1;
        yield line;
      } else if (follow && !this.#closed) {
        await this.#changed(signal);
      } else {
        return;
      }
    }
  }

  /** Ends everyone who follows. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#readers) wake();
  }

  #take(vm: string, stream: 'console' | 'host', text: string): void {
    // By the clock, in microseconds, so that no number comes twice over restarts.
    const seq = Math.max(this.#lastSeq + 1, this.#now() * 1000);
    this.#lastSeq = seq;
    this.#lines.push({ seq, at: new Date(this.#now()).toISOString(), version: 0, invocation: vm, stream, text });
    this.#bytes += text.length + LINE_OVERHEAD_BYTES;
    // Some more than the limit, so that not each line of a flood moves all others.
    if (this.#bytes < 1.25 * this.#limitBytes) return;
    let over = 0;
    while (this.#bytes > this.#limitBytes && over < this.#lines.length - 1) {
      this.#bytes -= this.#lines[over]!.text.length + LINE_OVERHEAD_BYTES;
      over += 1;
    }
    this.#lines = this.#lines.slice(over);
    this.#dropped += over;
  }

  #said(seq: number, text: string): LogLine {
    return { seq, at: new Date(this.#now()).toISOString(), version: 0, invocation: '', stream: 'host', text };
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#readers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#readers.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      if (signal?.aborted) wake();
    });
  }
}
