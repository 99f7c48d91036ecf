/** The thread that makes a difference: it reads and compares hundreds of megabytes. Started by `encode.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EncodeMessage } from './encode.ts';
import { type EncodeJob, encodeDifference } from './encode-job.ts';

const say = (message: EncodeMessage) => parentPort!.postMessage(message);

try {
  const difference = await encodeDifference(workerData as EncodeJob, (stage, done, total) =>
    say({ kind: 'progress', stage, done, total }),
  );
  say({ kind: 'done', difference });
} catch (error) {
  say({ kind: 'failed', message: (error as Error).message });
}
