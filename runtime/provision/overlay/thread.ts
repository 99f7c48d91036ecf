import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** The word on which a thread ends. */
const END = 'end';

/** What a thread begins with. */
interface ThreadData {
  /** A number that is not 0 once it is to end: it is seen although words lie before the one that says so. */
  readonly ending: SharedArrayBuffer;
  readonly given: unknown;
}

const endings = new WeakMap<Worker, Int32Array>();

/** Starts a thread that knows nothing of this process's environment, but where compiled sources are kept: without them its start takes twice the time. */
export function startThread(entry: URL, given?: unknown): Worker {
  const directory = getCompileCacheDir();
  const ending = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  // Node keeps them in a directory of each version, within the one that it was told.
  const worker = new Worker(entry, {
    workerData: { ending, given } satisfies ThreadData,
    env: directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) },
  });
  endings.set(worker, new Int32Array(ending));
  return worker;
}

/**
 * Ends a thread of `startThread` that hears `onWord`, behind the word that it is at; those that lie before it are not handled. One that never hears, or is at a word for ever, is waited for as long: a
 * thread that is terminated while it makes a decoder of zstd ends the process with it (Node 24). Idempotent.
 */
export async function endThread(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.ref();
  const ending = endings.get(worker);
  if (ending !== undefined) Atomics.store(ending, 0, 1);
  // One that waits for a word sees no number.
  worker.postMessage(END);
  await exited;
}

/** In a thread: what it was given at its start. */
export function given<Given>(): Given {
  return (workerData as ThreadData).given as Given;
}

/** In a thread: hears what it is told, a word when the one before was handled, and ends on `endThread`. */
export function onWord<Word>(handle: (word: Word) => unknown): void {
  const ending = new Int32Array((workerData as ThreadData).ending);
  let handled: Promise<unknown> = Promise.resolve();
  parentPort!.on('message', (word: Word | typeof END) => {
    if (word === END) process.exit();
    handled = handled.then(() => (Atomics.load(ending, 0) === 0 ? handle(word) : process.exit()));
  });
}
