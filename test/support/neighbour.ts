import * as assert from 'uvu/assert';
import { readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { finish } from './sandbox-lab.ts';

/** A function in a sandbox of its own that is called without a pause, while another misbehaves. */
export class Neighbour {
  readonly #sandbox: Sandbox;
  readonly #tookMs: number[] = [];
  #going: Promise<void> | null = null;
  #stopped = false;

  /** `sandbox` holds the guest `typed`. */
  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Calls it until `stop`. */
  start(): void {
    this.#stopped = false;
    this.#going = this.#go();
  }

  /** Resolves when the last call is answered; rejects with what any failed with. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  /** Answers so far. */
  get answers(): number {
    return this.#tookMs.length;
  }

  /** What its callers saw, in a line. */
  get note(): string {
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2);
    return `the neighbour gave ${sorted.length} answers, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }

  async #go(): Promise<void> {
    do {
      const begun = performance.now();
      const { output } = await finish(
        this.#sandbox.invoke({ door: 'call', target: 'add' }, writeBindingValue([2, 40]), {
          deadlineMs: 60_000,
          log: () => {},
        }),
      );
      this.#tookMs.push(performance.now() - begun);
      assert.is(readBindingValue(output), 42);
    } while (!this.#stopped);
  }
}
