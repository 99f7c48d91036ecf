import { REAL_WORLD } from './watchdog.ts';

/** How often it is looked whether others hold a process up, milliseconds. */
const LOOK_MS = 1_000;

/** Looks between which they may do so for a part of the time. */
const LOOKS = 3;

/** That part: more is less than half a processor. */
const MOST_SHARE = 1 / 2;

/** After this it claims whatever it got, milliseconds: nobody who waits for something that it holds waits longer. */
const MOST_MS = 10_000;

/** For how long each thread has stood in the queue for a processor by then, nanoseconds; null when that is not known. */
type Queues = ReadonlyMap<string, number> | null;

interface Look {
  readonly at: number;
  readonly queues: Queues;
}

/**
 * Calls `claim` when others have held up a process, that gets what they leave of the processors, for more than half of some seconds, and after ten in any
 * case: what is made in the background must be made in the end, on a computer that is never at rest, too. Goes on until one is made; gives what calls it off.
 */
export function lateClaim(claim: () => Promise<boolean>, queues: () => Queues, world = REAL_WORLD): () => void {
  const beganAt = world.now();
  const looks: Look[] = [{ at: beganAt, queues: queues() }];
  let isOff = false;
  const look = async (): Promise<void> => {
    const now = { at: world.now(), queues: queues() };
    looks.push(now);
    const isDue = now.at - beganAt >= MOST_MS || (looks.length > LOOKS && isHeldUp(looks.shift()!, now));
    if (isDue && (await claim())) return;
    if (!isOff) cancel = world.after(LOOK_MS, () => void look());
  };
  let cancel = world.after(LOOK_MS, () => void look());
  return () => {
    isOff = true;
    cancel();
  };
}

/** Whether a thread stood in the queue for most of the time between two looks. One that began meanwhile had not waited before. Pure. */
function isHeldUp(before: Look, now: Look): boolean {
  if (before.queues === null || now.queues === null) return false;
  const mostNs = (now.at - before.at) * 1e6 * MOST_SHARE;
  for (const [thread, queuedNs] of now.queues) if (queuedNs - (before.queues.get(thread) ?? 0) > mostNs) return true;
  return false;
}
