import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';

/** The word on which a thread ends. */
const END = 'end';

/** Starts a thread that knows nothing of this process's environment, but where compiled sources are kept: without them its start takes twice the time. */
export function startThread(entry: URL, options: Omit<WorkerOptions, 'env'> = {}): Worker {
  const directory = getCompileCacheDir();
  // Node keeps them in a directory of each version, within the one that it was told.
  return new Worker(entry, {
    ...options,
    env: directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) },
  });
}

/**
 * Ends a thread that hears `onWord`, when what it is at lets it hear: a thread that is terminated while it makes a decoder of zstd ends the process
 * with it (Node 24). Idempotent.
 */
export async function endThread(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.ref();
  worker.postMessage(END);
  await exited;
}

/** In a thread: hears what it is told, and ends on `endThread`. */
export function onWord<Word>(handle: (word: Word) => void): void {
  parentPort!.on('message', (word: Word | typeof END) => (word === END ? process.exit() : handle(word)));
}
