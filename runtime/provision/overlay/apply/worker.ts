/** The thread that applies an overlay: it hashes, expands and copies, and digests what it wrote meanwhile. Started by `applier.ts`; one segment at a time. */
import { parentPort } from 'node:worker_threads';
import type { ApplyAnswer, ApplyWord } from './applier.ts';
import { OverlayTarget } from './overlay-target.ts';

const say = (answer: ApplyAnswer) => parentPort!.postMessage(answer);
let opening: Promise<OverlayTarget> | null = null;
let isPaused = false;
let isDigesting = false;

/** Digests some blocks at a time: whatever else comes is never more than a millisecond behind. */
function digestMeanwhile(target: OverlayTarget): void {
  if (isDigesting || isPaused) return;
  isDigesting = true;
  setImmediate(() => {
    isDigesting = false;
    if (!isPaused && target.digestSome()) digestMeanwhile(target);
  });
}

parentPort!.on('message', async (word: ApplyWord) => {
  try {
    if (word.kind === 'job') {
      opening = OverlayTarget.open(word.job);
      opening.catch(() => undefined); // The first segment is told.
      return;
    }
    const target = await opening!;
    if (word.kind === 'pause') isPaused = true;
    else if (word.kind === 'resume') {
      isPaused = false;
      digestMeanwhile(target);
    } else if (word.kind === 'segment') {
      say({ kind: 'applied', ...target.apply(word.index, word.bytes) });
      digestMeanwhile(target);
    } else {
      isPaused = true;
      const memory = target.finish();
      await target.close();
      say({ kind: 'finished', memory });
    }
  } catch (error) {
    say({ kind: 'refused', why: (error as Error).message });
  }
});
