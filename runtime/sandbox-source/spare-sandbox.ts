import type { Sandbox } from '../sandbox/index.ts';

/** Starts an empty sandbox for a function of a size. */
export type StartEmpty = (memoryMib: number, signal?: AbortSignal) => Promise<Sandbox>;

/**
 * Empty sandboxes, of which one of the last size is kept ready after the first was asked for: the next version of a function needs only to
 * be loaded.
 */
export class SpareSandbox {
  readonly #start: StartEmpty;
  readonly #closing = new AbortController();
  #spare: { readonly memoryMib: number; readonly sandbox: Promise<Sandbox | null> } | null = null;

  constructor(start: StartEmpty) {
    this.#start = start;
  }

  /** The one that is ready or nearly so, else a new one; another is started behind it. */
  async take(memoryMib: number, signal: AbortSignal): Promise<Sandbox> {
    const spare = this.#spare;
    this.#spare = null;
    const ready = (await spare?.sandbox) ?? null;
    const fits = spare?.memoryMib === memoryMib && ready?.state === 'ready';
    if (ready !== null && !fits) void ready.close();
    const sandbox = ready !== null && fits ? ready : await this.#start(memoryMib, signal);
    this.#refill(memoryMib);
    return sandbox;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const spare = await this.#spare?.sandbox;
    await spare?.close();
  }

  #refill(memoryMib: number): void {
    if (this.#spare !== null || this.#closing.signal.aborted) return;
    // Who takes it starts another when this one cannot be had.
    const sandbox = this.#start(memoryMib, this.#closing.signal).catch(() => null);
    this.#spare = { memoryMib, sandbox };
  }
}
