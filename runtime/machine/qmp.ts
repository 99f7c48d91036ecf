import type { Duplex } from 'node:stream';

/** Longest line that QEMU may send, in characters: nothing it says to us is nearly that long. */
const MAX_LINE = 1024 * 1024;

/** A connection to QEMU's machine protocol: one command at a time, answers in order. */
export class QmpConnection {
  readonly #socket: Duplex;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  #line = '';
  #ended: Error | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('QEMU closed its control connection')));
    this.execute('qmp_capabilities').catch(() => {
      // Whoever sends the next command is told.
    });
  }

  /** Runs a command and gives what it returns; fails with QEMU's own description. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push(answer);
    this.#socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
    return answer.promise;
  }

  #read(text: string): void {
    this.#line += text;
    for (let end = this.#line.indexOf('\n'); end >= 0; end = this.#line.indexOf('\n')) {
      const line = this.#line.slice(0, end).trim();
      this.#line = this.#line.slice(end + 1);
      if (line !== '') this.#take(line);
    }
    if (this.#line.length > MAX_LINE) this.#socket.destroy(new Error('QEMU sent a line that is too long'));
  }

  #take(line: string): void {
    let message: { return?: unknown; error?: { desc: string } };
    try {
      message = JSON.parse(line) as typeof message;
    } catch {
      this.#socket.destroy(new Error('QEMU sent a line that is not JSON'));
      return;
    }
    if (message.error !== undefined) this.#waiting.shift()?.reject(new Error(message.error.desc));
    else if ('return' in message) this.#waiting.shift()?.resolve(message.return);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#ended);
  }
}
