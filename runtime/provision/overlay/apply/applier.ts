import type { Worker } from 'node:worker_threads';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { startThread } from '../thread.ts';
import type { AppliedSegment, ApplyJob } from './overlay-target.ts';

/** What the thread is told; the job first. */
export type ApplyWord =
  | { readonly kind: 'job'; readonly job: ApplyJob }
  | { readonly kind: 'segment'; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'finish' };

/** What it answers, to each word but the job in turn. */
export type ApplyAnswer =
  | ({ readonly kind: 'applied' } & AppliedSegment)
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'finished' };

/** Applies the segments of an overlay in a thread of its own, one after the other; the thread may wait for its job. Whoever starts one closes it. */
export class Applier {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<ApplyAnswer>[] = [];
  #ended: Error | null = null;

  constructor() {
    this.#worker = startThread(new URL('./worker.ts', import.meta.url));
    // One that waits for its job keeps no process alive.
    this.#worker.unref();
    this.#worker.on('message', (answer: ApplyAnswer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', () => this.#end(new Error('its thread ended')));
  }

  /** Says where segments go. */
  begin(job: ApplyJob): void {
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'job', job } satisfies ApplyWord);
  }

  /**
   * Puts a segment where it belongs; gives what is in place then. `overlay-refused` when it is not what the manifest
   * says. What it copies from must have been applied.
   */
  async apply(index: number, bytes: Uint8Array): Promise<AppliedSegment> {
    const answer = await this.#tell({ kind: 'segment', index, bytes });
    if (answer.kind === 'applied') return answer;
    const why = answer.kind === 'refused' ? answer.why : 'there was no answer';
    throw new CloudletError(
      'overlay-refused',
      `segment ${index} of the overlay cannot be used: ${why}; send it again, or make the overlay anew`,
    );
  }

  /** Completes the files when every segment was applied; the layer is on the disk then. */
  async finish(): Promise<void> {
    const answer = await this.#tell({ kind: 'finish' });
    if (answer.kind === 'refused')
      throw new CloudletError('storage-unavailable', `the overlay could not be written: ${answer.why}`);
  }

  /** Ends the thread, whatever it is at. Idempotent. */
  async close(): Promise<void> {
    this.#end(new Error('it was closed'));
    await this.#worker.terminate();
  }

  #tell(word: ApplyWord): Promise<ApplyAnswer> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const answer = Promise.withResolvers<ApplyAnswer>();
    this.#waiting.push(answer);
    this.#worker.postMessage(word);
    return answer.promise;
  }

  #end(error: Error): void {
    this.#ended ??= new CloudletError('internal', `the overlay was not applied: ${error.message}`, { cause: error });
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#ended);
  }
}
