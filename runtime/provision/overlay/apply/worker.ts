/** The thread that applies an overlay: it hashes, expands and copies, and digests what it wrote meanwhile. Started by `applier.ts`; one segment at a time. */
import { parentPort } from 'node:worker_threads';
import { onWord } from '../thread.ts';
import type { ApplyAnswer, ApplyWord } from './applier.ts';
import { OverlayTarget } from './overlay-target.ts';

const say = (answer: ApplyAnswer) => parentPort!.postMessage(answer);
let opening: Promise<OverlayTarget> | null = null;
let isPaused = false;
let isDigesting = false;
let lastMemoryMs = 0;
let isMemoryTold = false;

/** How long no segment of the memory comes before what was written is digested, milliseconds: those of an overlay at hand come one behind the other, and the processors bring them. */
const QUIET_MS = 20;

/** Digests some blocks at a time while no segment of the memory comes: one is never more than a millisecond behind. */
function digestMeanwhile(target: OverlayTarget): void {
  if (isDigesting || isPaused) return;
  isDigesting = true;
  const step = (): void => {
    isDigesting = false;
    if (isPaused) return;
    if (waitMs() > 0 || target.digestSome()) digestMeanwhile(target);
    else if (target.isMemoryComplete) tellMemory(target);
  };
  if (waitMs() > 0) setTimeout(step, waitMs());
  else setImmediate(step);
}

/** Says once what memory changed: what is made of that is done while the disk still comes. */
function tellMemory(target: OverlayTarget): void {
  if (isMemoryTold) return;
  isMemoryTold = true;
  say({ kind: 'memory', changed: target.changedMemory() });
}

function waitMs(): number {
  return Math.ceil(lastMemoryMs + QUIET_MS - performance.now());
}

onWord(async (word: ApplyWord) => {
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
      const { isMemoryComplete } = target;
      say({ kind: 'applied', ...target.apply(word.index, word.bytes) });
      // The disk does not put it off: what the memory came to is waited for.
      if (!isMemoryComplete) lastMemoryMs = performance.now();
      digestMeanwhile(target);
    } else {
      isPaused = true;
      tellMemory(target);
      target.finish();
      await target.close();
      say({ kind: 'finished' });
    }
  } catch (error) {
    say({ kind: 'refused', why: (error as Error).message });
  }
});
