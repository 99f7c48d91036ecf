import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import type { FunctionName, LogLine } from '../../../guest-sdk/protocol/index.ts';
import { logText } from '../terminal/log-text.ts';

/** How long a failure waits for the words of its log, milliseconds: both come from the host, by two connections. */
const PATIENCE_MS = 3000;
/** How long the lines of an invocation are gathered after its first, milliseconds. */
const GATHER_MS = 100;
/** Invocations whose words are kept. */
const KEPT = 200;

/** The log of a function as it is written, and what each of the last invocations wrote. */
export class FunctionLines {
  readonly #words = new Map<string, string[]>();
  readonly #waiting = new Map<string, () => void>();

  /** Follows the log until `signal` fires and gives each line to `show`. */
  async follow(
    client: CloudletClient,
    name: FunctionName,
    show: (line: LogLine) => void,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      for await (const line of client.logs(name, { follow: true, signal })) {
        show(line);
        this.#note(line);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** What an invocation wrote; null when that is nothing. */
  async of(invocation: string): Promise<string | null> {
    if (!this.#words.has(invocation)) await this.#arrival(invocation, PATIENCE_MS);
    // Lines of a stack come one by one.
    for (let seen = -1; seen !== (this.#words.get(invocation)?.length ?? -1); ) {
      seen = this.#words.get(invocation)?.length ?? -1;
      await this.#arrival(invocation, GATHER_MS);
    }
    return this.#words.get(invocation)?.join('\n') ?? null;
  }

  #note(line: LogLine): void {
    if (line.invocation === '') return;
    const words = this.#words.get(line.invocation) ?? [];
    this.#words.set(line.invocation, [...words, logText(line)]);
    this.#waiting.get(line.invocation)?.();
    const [oldest] = this.#words.keys();
    if (this.#words.size > KEPT) this.#words.delete(oldest!);
  }

  #arrival(invocation: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(invocation);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waiting.set(invocation, end);
    });
  }
}
