import type { FileUse, UseObserver } from '../wasi/index.ts';
import { MAX_MISSING, MAX_USE_CHARACTERS, MAX_USE_TEXT, MAX_USES, type UseMessage } from './use-message.ts';

/** Different uses that a worker remembers, for as long as it lives: a guest that tries every path must not fill its memory. */
const MAX_REMEMBERED = 512;

/** What is known of the uses of a worker's guests: each is told once, so that most invocations tell nothing. */
export class WorkerUse {
  /** Whether the processor time of each invocation is told, and more uses are remembered: somebody records a few invocations. */
  readonly recorded: boolean;
  readonly #told = new Set<string>();
  memoryBytes = 0;
  scratchBytes = 0;

  constructor(recorded: boolean) {
    this.recorded = recorded;
  }

  /** Whether it is news, which is then told; null: it is one too many. */
  isNews(use: string): boolean | null {
    if (this.#told.has(use)) return false;
    if (this.#told.size >= (this.recorded ? MAX_USES : MAX_REMEMBERED)) return null;
    this.#told.add(use);
    return true;
  }
}

/** What one invocation uses. */
export class GuestUse implements UseObserver {
  readonly #worker: WorkerUse;
  // Made when they are needed: most invocations use nothing new.
  #files: [string, FileUse][] | null = null;
  #configuration: [string | null, boolean][] | null = null;
  #missing: string[] | null = null;
  #environment = false;
  #arguments = false;
  #characters = 0;
  #dropped = 0;

  constructor(worker: WorkerUse) {
    this.#worker = worker;
  }

  file(path: string, use: FileUse): void {
    const shown = path.slice(0, MAX_USE_CHARACTERS);
    if (use === 'missing') this.#miss(shown);
    if (!this.#isNews(`${use} ${shown}`)) return;
    this.#files ??= [];
    this.#files.push([shown, use]);
  }

  read(what: 'environment' | 'arguments'): void {
    if (!this.#isNews(what)) return;
    if (what === 'environment') this.#environment = true;
    else this.#arguments = true;
  }

  configuration(key: string | null, isThere: boolean): void {
    const shown = key === null ? null : key.slice(0, MAX_USE_CHARACTERS);
    if (!this.#isNews(shown === null ? 'configuration' : `configuration ${shown}`)) return;
    this.#configuration ??= [];
    this.#configuration.push([shown, isThere]);
  }

  /** Paths that it looked for in vain, the last ones; undefined when there are none. */
  get missing(): readonly string[] | undefined {
    return this.#missing ?? undefined;
  }

  /** What was not told before; undefined when there is nothing. */
  message(scratchBytes: number, memoryBytes: number, cpuMs: number | null): UseMessage | undefined {
    const worker = this.#worker;
    const grew = scratchBytes > worker.scratchBytes || memoryBytes > worker.memoryBytes;
    const used = this.#files !== null || this.#configuration !== null || this.#environment || this.#arguments;
    if (!grew && !used && this.#dropped === 0 && !worker.recorded) return undefined;
    worker.scratchBytes = Math.max(worker.scratchBytes, scratchBytes);
    worker.memoryBytes = Math.max(worker.memoryBytes, memoryBytes);
    return {
      files: this.#files ?? [],
      environment: this.#environment,
      arguments: this.#arguments,
      configuration: this.#configuration ?? [],
      dropped: this.#dropped,
      scratchBytes: worker.scratchBytes,
      memoryBytes: worker.memoryBytes,
      cpuMs,
    };
  }

  #isNews(use: string): boolean {
    const isNews = this.#characters > MAX_USE_TEXT ? null : this.#worker.isNews(use);
    if (isNews === true) this.#characters += use.length;
    if (isNews === null) this.#dropped += 1;
    return isNews === true;
  }

  #miss(path: string): void {
    this.#missing ??= [];
    const before = this.#missing.indexOf(path);
    if (before !== -1) this.#missing.splice(before, 1);
    this.#missing.push(path);
    if (this.#missing.length > MAX_MISSING) this.#missing.shift();
  }
}
