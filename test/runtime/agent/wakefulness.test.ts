import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AWAKE_MS, Wakefulness } from '../../../runtime/agent/wakefulness.ts';

const wakefulness = suite('a thread that stays awake');

/** How long a turn of the event loop takes. */
const TURN_MS = AWAKE_MS / 10;

/** Counted in times that are no whole numbers. */
function about(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1, `expected some ${expected} looks, got ${actual}`);
}

/** A thread whose event loop turns when it is told; gives how often it looked, before it slept, for what came `pauseMs` after the last. */
class Thread {
  #now = 1000;
  #turn: (() => void) | null = null;
  readonly awake = new Wakefulness({
    now: () => this.#now,
    later: (turn) => {
      assert.is(this.#turn, null, 'one turn at a time');
      this.#turn = turn;
    },
  });

  /** Something comes, and is dealt with in one turn; then nothing does for so long. */
  work(pauseMs: number): number {
    this.awake.came();
    this.#look();
    const next = this.#now + pauseMs;
    let looks = 0;
    while (this.#turn !== null && this.#now + TURN_MS < next) {
      this.#look();
      looks += 1;
    }
    this.#now = next;
    return looks;
  }

  get sleeps(): boolean {
    return this.#turn === null;
  }

  #look(): void {
    this.#now += TURN_MS;
    const turn = this.#turn;
    this.#turn = null;
    turn?.();
  }
}

wakefulness('looks for what comes next once that has come soon for a while', () => {
  const thread = new Thread();
  assert.is(thread.work(AWAKE_MS / 2), 0, 'nobody knows yet');
  for (let times = 0; times < 30; times += 1) thread.work(AWAKE_MS / 2);
  about(thread.work(AWAKE_MS / 2), 4);
  assert.not(thread.sleeps);
});

wakefulness('sleeps when nothing has come for a while', () => {
  const thread = new Thread();
  for (let times = 0; times < 30; times += 1) thread.work(AWAKE_MS / 2);
  about(thread.work(1000), 10);
  assert.ok(thread.sleeps);
  // One long pause among short ones changes nothing.
  about(thread.work(AWAKE_MS / 2), 4);
});

wakefulness('sleeps at once where pauses are long', () => {
  const thread = new Thread();
  for (let times = 0; times < 30; times += 1) thread.work(AWAKE_MS / 2);
  for (let times = 0; times < 30; times += 1) thread.work(20 * AWAKE_MS);
  assert.is(thread.work(20 * AWAKE_MS), 0);
  assert.ok(thread.sleeps);
});

wakefulness('of what comes several times in a turn the pause before the first counts', () => {
  const thread = new Thread();
  for (let times = 0; times < 30; times += 1) {
    for (let more = 0; more < 5; more += 1) thread.awake.came();
    thread.work(20 * AWAKE_MS);
  }
  assert.is(thread.work(1), 0);
});

wakefulness.run();
