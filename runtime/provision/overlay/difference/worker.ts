/** The thread that makes a difference: it reads and compares hundreds of megabytes. Started by `encode.ts`. */
import { parentPort } from 'node:worker_threads';
import { given, onWord } from '../thread.ts';
import type { EncodeMessage } from './encode.ts';
import { type EncodeJob, encodeDifference } from './encode-job.ts';

const say = (message: EncodeMessage) => parentPort!.postMessage(message);

// There is nothing else to hear, and nothing waits for it.
onWord(() => undefined);
parentPort!.unref();

try {
  const difference = await encodeDifference(given<EncodeJob>(), (stage, done, total) =>
    say({ kind: 'progress', stage, done, total }),
  );
  say({ kind: 'done', difference });
} catch (error) {
  say({ kind: 'failed', message: (error as Error).message });
}
