import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lateClaim } from '../../../runtime/machine/late-claim.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const late = suite('a late claim');

/** Milliseconds that each thread has stood in the queue. */
type Queued = Readonly<Record<string, number>> | null;

interface World {
  /** When it is called off. */
  readonly stopAt?: number;
  /** Claims that fail before one does not. */
  readonly failures?: number;
  /** What a timer of this process is late. */
  readonly lateMs?: number;
}

/** When claims are made within a minute for a process whose threads have stood in the queue so long by then. */
async function claimsAt(queued: (nowMs: number) => Queued, { stopAt, failures = 0, lateMs = 0 }: World = {}) {
  const clock = new FakeClock();
  const world = {
    now: () => clock.now(),
    after: (ms: number, callback: () => void) => clock.after(ms + lateMs, callback),
  };
  const at: number[] = [];
  const claim = async () => at.push(clock.now()) > failures;
  const queues = () => {
    const threads = queued(clock.now());
    return threads === null ? null : new Map(Object.entries(threads).map(([thread, ms]) => [thread, ms * 1e6]));
  };
  const callOff = lateClaim(claim, queues, world);
  if (stopAt !== undefined) clock.after(stopAt, callOff);
  for (let steps = 0; steps < 120; steps += 1) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return at;
}

/** Of each three seconds it waits for so much. */
const ofThree = (now: number, waited: readonly number[]) =>
  Array.from({ length: Math.floor(now / 1000) }, (_, at) => waited[at % 3]!).reduce((sum, ms) => sum + ms, 0);

for (const [what, queued, expected] of [
  ['that nothing holds up', () => ({ a: 0 }), 10_000],
  ['of which it is not known', () => null, 10_000],
  ['that shares a processor with another', (now: number) => ({ a: now / 2 }), 10_000],
  ['that gets next to nothing', (now: number) => ({ a: 5000 + now * 0.99 }), 3_000],
  ['that others hold up for two thirds', (now: number) => ({ a: now * 0.66 }), 3_000],
  ['with a better second now and then', (now: number) => ({ a: ofThree(now, [990, 990, 660]) }), 3_000],
  ['that others hold up for less', (now: number) => ({ a: Math.min(now, 1_400) }), 10_000],
  ['that others take everything from later', (now: number) => ({ a: Math.max(0, now - 4_000) }), 6_000],
  ['whose thread that waited most is not held up', (now: number) => ({ a: 90_000, b: now * 0.9 }), 3_000],
  ['whose threads wait by turns', (now: number) => ({ a: now * 0.4, b: now * 0.4 }), 10_000],
  [
    'whose thread that waited has ended',
    (now: number): Queued => (now < 2_500 ? { a: now, b: 0 } : { b: now - 2_500 }),
    5_000,
  ],
] as const) {
  late(`for a process ${what} comes once, after ${expected} ms`, async () => {
    assert.equal(await claimsAt(queued), [expected]);
  });
}

late('counts time as it is, not as it was to be', async () => {
  // Two of the four and a half seconds between its looks are few; of the three that were to be they would be many.
  assert.equal(await claimsAt((now) => ({ a: now * 0.45 }), { lateMs: 500 }), [10_500]);
});

late('that fails is tried again', async () => {
  assert.equal(await claimsAt((now) => ({ a: now }), { failures: 2 }), [3_000, 4_000, 5_000]);
  assert.equal(await claimsAt(() => null, { failures: 1 }), [10_000, 11_000]);
});

late('that is called off is not made', async () => {
  assert.equal(await claimsAt((now) => ({ a: now }), { stopAt: 2_500 }), []);
});

late.run();
