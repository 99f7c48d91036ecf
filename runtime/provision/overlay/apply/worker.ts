/** The thread that applies an overlay: it hashes, expands and copies. Started by `applier.ts`; one segment at a time. */
import { parentPort } from 'node:worker_threads';
import type { ApplyAnswer, ApplyWord } from './applier.ts';
import { OverlayTarget } from './overlay-target.ts';

const say = (answer: ApplyAnswer) => parentPort!.postMessage(answer);
let opening: Promise<OverlayTarget> | null = null;

parentPort!.on('message', async (word: ApplyWord) => {
  try {
    if (word.kind === 'job') {
      opening = OverlayTarget.open(word.job);
      opening.catch(() => undefined); // The first segment is told.
      return;
    }
    const target = await opening!;
    if (word.kind === 'segment') say({ kind: 'applied', ...target.apply(word.index, word.bytes) });
    else {
      target.finish();
      await target.close();
      say({ kind: 'finished' });
    }
  } catch (error) {
    say({ kind: 'refused', why: (error as Error).message });
  }
});
