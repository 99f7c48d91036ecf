import type { Worker } from 'node:worker_threads';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { endThread, startThread } from '../thread.ts';
import type { DigestedBlock } from './changed-blocks.ts';
import type { AppliedSegment, ApplyJob } from './overlay-target.ts';

/** What the thread is told; the job first. */
export type ApplyWord =
  | { readonly kind: 'job'; readonly job: ApplyJob }
  | { readonly kind: 'segment'; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'pause' | 'resume' }
  | { readonly kind: 'finish' };

/** What it answers, to segments and to the end, in turn. */
export type ApplyAnswer =
  | ({ readonly kind: 'applied' } & AppliedSegment)
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'finished' }
  | ChangedMemory;

/** What is said out of turn, once: the blocks of the memory that changed. */
interface ChangedMemory {
  readonly kind: 'memory';
  readonly changed: readonly DigestedBlock[];
}

/** Applies the segments of an overlay in a thread of its own, one after the other; the thread may wait for its job. Whoever starts one closes it. */
export class Applier {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<ApplyAnswer>[] = [];
  readonly #memory = Promise.withResolvers<readonly DigestedBlock[]>();
  #ended: Error | null = null;

  constructor() {
    this.#worker = startThread(new URL('./worker.ts', import.meta.url));
    // One that waits for its job keeps no process alive.
    this.#worker.unref();
    this.#memory.promise.catch(() => undefined); // Whoever waits for it is told.
    this.#worker.on('message', (answer: ApplyAnswer) => {
      if (answer.kind === 'memory') this.#memory.resolve(answer.changed);
      else this.#waiting.shift()?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', () => this.#end(new Error('its thread ended')));
  }

  /** Resolves with the digests of the blocks of the memory that changed, when all of it was applied and they are known: at the end at the latest. */
  get changedMemory(): Promise<readonly DigestedBlock[]> {
    return this.#memory.promise;
  }

  /** Says where segments go. */
  begin(job: ApplyJob): void {
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'job', job } satisfies ApplyWord);
  }

  /**
   * Puts a segment where it belongs; gives what is in place then. `overlay-refused` when it is not what the manifest
   * says. What it copies from must have been applied. The bytes are taken over where they are all of their buffer: a copy of some hundred thousand for each
   * segment would have this thread collect garbage as often as it passes segments on.
   */
  async apply(index: number, bytes: Uint8Array): Promise<AppliedSegment> {
    const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
    const answer = await this.#tell({ kind: 'segment', index, bytes }, isWhole ? [bytes.buffer as ArrayBuffer] : []);
    if (answer.kind === 'applied') return answer;
    const why = answer.kind === 'refused' ? answer.why : 'there was no answer';
    throw new CloudletError(
      'overlay-refused',
      `segment ${index} of the overlay cannot be used: ${why}; send it again, or make the overlay anew`,
    );
  }

  /** Has nothing digested that nobody waits for, until `resume`: the processors belong to another. */
  pause(): void {
    this.#say({ kind: 'pause' });
  }

  /** Goes on with what was paused. */
  resume(): void {
    this.#say({ kind: 'resume' });
  }

  /** Completes the files when every segment was applied. */
  async finish(): Promise<void> {
    const answer = await this.#tell({ kind: 'finish' });
    if (answer.kind === 'finished') return;
    const why = answer.kind === 'refused' ? answer.why : 'there was no answer';
    throw new CloudletError('storage-unavailable', `the overlay could not be written: ${why}`);
  }

  /** Ends the thread after the segment that it is at. Idempotent. */
  async close(): Promise<void> {
    this.#end(new Error('it was closed'));
    await endThread(this.#worker);
  }

  #tell(word: ApplyWord, taken: readonly ArrayBuffer[] = []): Promise<ApplyAnswer> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const answer = Promise.withResolvers<ApplyAnswer>();
    this.#worker.postMessage(word, taken);
    this.#waiting.push(answer);
    return answer.promise;
  }

  #say(word: ApplyWord): void {
    if (this.#ended === null) this.#worker.postMessage(word);
  }

  #end(error: Error): void {
    this.#ended ??= new CloudletError('internal', `the overlay was not applied: ${error.message}`, { cause: error });
    for (const answer of [this.#memory, ...this.#waiting.splice(0)]) answer.reject(this.#ended);
  }
}
