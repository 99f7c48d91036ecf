/** The thread that applies an overlay: it hashes, expands and copies. Started by `applier.ts`; one segment at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ApplyAnswer, ApplyWord } from './applier.ts';
import { type ApplyJob, OverlayTarget } from './overlay-target.ts';

const say = (answer: ApplyAnswer) => parentPort!.postMessage(answer);
let opening: Promise<OverlayTarget> | null = null;

parentPort!.on('message', async (word: ApplyWord) => {
  try {
    // The base's memory is being copied until the first segment comes.
    opening ??= OverlayTarget.open(workerData as ApplyJob);
    const target = await opening;
    if (word.kind === 'segment') say({ kind: 'applied', places: target.apply(word.index, word.bytes) });
    else {
      await target.finish();
      await target.close();
      say({ kind: 'finished' });
    }
  } catch (error) {
    say({ kind: 'refused', why: (error as Error).message });
  }
});
