import type { MessagePort } from 'node:worker_threads';
import type { FromWorker } from './worker-message.ts';

/**
 * A worker's messages to the serving thread. Those of one turn go together: waking the other thread costs more than all that a small
 * invocation says.
 */
export class Outbox {
  readonly #port: MessagePort;
  #messages: FromWorker[] = [];
  #transfer: ArrayBuffer[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Sends a message when the guest waits, or at `flush`, which comes at the guest's next fuel checkpoint at the latest. */
  post(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
    // Ticks come after the microtasks of a turn, and with them after all that a guest does without waiting.
    if (this.#messages.length === 0) process.nextTick(() => this.flush());
    this.#messages.push(message);
    this.#transfer.push(...transfer);
  }

  /** Sends what has been posted, now. */
  flush(): void {
    if (this.#messages.length === 0) return;
    this.#port.postMessage(this.#messages satisfies readonly FromWorker[], this.#transfer);
    this.#messages = [];
    this.#transfer = [];
  }
}
