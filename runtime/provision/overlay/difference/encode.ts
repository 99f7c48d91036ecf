import { rm } from 'node:fs/promises';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { endThread, startThread } from '../thread.ts';
import type { Difference, EncodeJob, EncodeProgress, EncodeStage } from './encode-job.ts';

/** What the thread says; the last is `done` or `failed`. */
export type EncodeMessage =
  | { readonly kind: 'progress'; readonly stage: EncodeStage; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly difference: Difference }
  | { readonly kind: 'failed'; readonly message: string };

/** `encodeDifference` in a thread of its own. Nothing is left of its file when it fails or `signal` aborts. */
export async function encodeApart(
  job: EncodeJob,
  onProgress: EncodeProgress,
  signal?: AbortSignal,
): Promise<Difference> {
  signal?.throwIfAborted();
  const worker = startThread(new URL('./worker.ts', import.meta.url), job);
  const end = Promise.withResolvers<Difference>();
  worker.on('message', (message: EncodeMessage) => {
    if (message.kind === 'progress') onProgress(message.stage, message.done, message.total);
    else if (message.kind === 'done') end.resolve(message.difference);
    else end.reject(failed(message.message));
  });
  worker.on('error', (error) => end.reject(failed((error as Error).message)));
  worker.on('exit', () => end.reject(failed('its thread ended')));
  const stop = () => end.reject(signal!.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await end.promise;
  } catch (error) {
    await endThread(worker);
    await rm(job.segments, { force: true });
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await endThread(worker);
  }
}

function failed(why: string): CloudletError {
  return new CloudletError('machine-failed', `the overlay could not be made of the saved VM: ${why}`);
}
