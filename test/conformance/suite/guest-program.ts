import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { HostLab } from '../../support/host-lab.ts';

/** How long a step of a test may take, by where it runs: a machine may have to boot first, under emulation. Only what hangs comes to it. */
export const STEP_MS = { process: 60_000, microvm: 300_000 } as const;

/** What a trap is, where a process would have died of a signal. */
const TRAP_EXIT = 134;

/** A command that runs on a host, as a test sees it: streams that can be written and read while it runs, and an end. */
export class GuestProgram {
  readonly #request: ClientRequest;
  readonly #end: Promise<number>;
  readonly #texts = { stdout: '', stderr: '' };
  readonly #taken = { stdout: 0, stderr: 0 };
  readonly #log: ProgramLog;
  readonly #stepMs: number;
  #changed = Promise.withResolvers<void>();
  #ended = false;
  #problem = '';

  private constructor(sent: ClientRequest, log: ProgramLog, stepMs: number) {
    this.#request = sent;
    this.#stepMs = stepMs;
    this.#log = log;
    this.#end = this.#follow().finally(() => {
      this.#ended = true;
      this.#notify();
    });
    this.#end.catch(() => {});
    log.onText = (text) => {
      this.#texts.stderr += text;
      this.#notify();
    };
  }

  /** Starts a published command; its log is followed for its standard error. */
  static async start(host: HostLab, name: string, args: readonly string[], stepMs: number): Promise<GuestProgram> {
    const log = await ProgramLog.open(host, name);
    const query = new URLSearchParams(args.map((arg) => ['arg', arg]));
    const sent = request(`${host.url}/v1/functions/${name}/run?${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${host.token}`, te: 'trailers' },
    });
    // Node holds a request back until there is something to send; a program that is to write first would wait for ever.
    sent.flushHeaders();
    return new GuestProgram(sent, log, stepMs);
  }

  write(text: string): void {
    this.#request.write(text);
  }

  /** No more input comes. */
  endInput(): void {
    this.#request.end();
  }

  /** The next characters of a stream, as many as asked for or until it ends. */
  async read(id: 'stdout' | 'stderr', length: number): Promise<string> {
    const until = performance.now() + this.#stepMs;
    const available = () => this.#texts[id].length - this.#taken[id];
    while (available() < length && !(this.#ended && id === 'stdout') && performance.now() < until)
      await this.#change(until);
    const text = this.#texts[id].slice(this.#taken[id], this.#taken[id] + length);
    this.#taken[id] += text.length;
    return text;
  }

  /** The rest of the line that standard output is at. */
  async readLine(): Promise<string> {
    let line = '';
    for (;;) {
      const next = await this.read('stdout', 1);
      if (next === '' || next === '\n') return line;
      line += next;
    }
  }

  /** Ends its input and waits for its end; gives its exit status. */
  async wait(): Promise<number> {
    this.endInput();
    const late = Promise.withResolvers<number>();
    const timer = setTimeout(() => late.reject(new Error(`it did not end within ${this.#stepMs} ms`)), this.#stepMs);
    try {
      return await Promise.race([this.#end, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What it wrote to standard error, and what the cloudlet said of its end: for the line of a failure. */
  get complaint(): string {
    return `${this.#texts.stderr}${this.#problem}`;
  }

  /** All that it wrote to standard output. */
  get stdout(): string {
    return this.#texts.stdout;
  }

  /** Leaves it; it is interrupted if it still runs. */
  close(): void {
    this.#request.destroy();
    this.#log.close();
  }

  async #follow(): Promise<number> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      this.#request.once('response', resolve);
      this.#request.once('error', reject);
    });
    // It may be left while it is read.
    this.#request.on('error', () => {});
    response.setEncoding('utf8');
    const text: string[] = [];
    try {
      for await (const part of response) {
        text.push(part as string);
        if (response.statusCode !== 200) continue;
        this.#texts.stdout += part as string;
        this.#notify();
      }
    } catch {
      return this.#trapped('the answer broke off');
    }
    if (response.statusCode !== 200) return this.#trapped(text.join(''));
    const status = response.trailers['cloudlet-exit-code'] ?? response.headers['cloudlet-exit-code'];
    if (typeof status !== 'string') throw new Error('expected an exit status, got none');
    return Number(status);
  }

  #trapped(problem: string): number {
    this.#problem = problem;
    return TRAP_EXIT;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #change(until: number): Promise<void> {
    const changed = this.#changed.promise;
    const timer = setTimeout(() => this.#notify(), Math.max(0, until - performance.now()));
    await changed;
    clearTimeout(timer);
  }
}

/** The log of a function, as it comes. */
class ProgramLog {
  readonly #left: AbortController;
  #text: (text: string) => void = () => {};
  #before = '';

  private constructor(left: AbortController) {
    this.#left = left;
  }

  static async open(host: HostLab, name: string): Promise<ProgramLog> {
    const left = new AbortController();
    const log = new ProgramLog(left);
    const response = await host.ask(`/v1/functions/${name}/logs`, { signal: left.signal });
    if (!response.ok) throw new Error(`expected the log of ${name}, got ${response.status} ${await response.text()}`);
    log.#follow(response.body!).catch(() => {
      // It was left.
    });
    return log;
  }

  set onText(take: (text: string) => void) {
    this.#text = take;
    take(this.#before);
  }

  close(): void {
    this.#left.abort();
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const part of body) {
      const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith('data:')) continue;
        const { stream, text } = JSON.parse(line.slice(5)) as { stream: string; text: string };
        if (stream !== 'stderr') continue;
        this.#before += text;
        this.#text(text);
      }
    }
  }
}
