import { type Interrupt, type RecalledMessage, WireError } from '../../agent/wire.ts';
import type { Clock } from '../clock.ts';
import { InFlight } from '../in-flight.ts';
import type { Call, CallInput } from './call.ts';
import { type CallLine, type CallRequest, isInline } from './call-line.ts';
import { chooseLine, type LineNeeds, STUCK_MS, workersInUse } from './line-choice.ts';

/** What the turns of a channel's invocations depend on. */
export interface CallTurnsWorld {
  /** In the order of the workers' numbers; more may come. */
  readonly lines: readonly CallLine[];
  /** Threads that the machine is worth running at once, where that is known. */
  readonly processors: number | undefined;
  /** When a worker that has ended nothing counts as stuck though it may compute, milliseconds; see `STUCK_MS`. */
  readonly stuckMs: number;
  /** What the machine needed of processors so far, nanoseconds; null when that is not known. */
  readonly needNs: () => number | null;
  readonly clock: Clock;
  /** An id that is higher than all before it. */
  readonly takeId: () => number;
  /** Asks the agent to end an invocation of a worker. */
  readonly cancel: (id: number, worker: number, why: Interrupt) => void;
  /** Asks the agent to take back what a worker has not begun, up to the invocation `last`. */
  readonly recall: (worker: number, last: number) => void;
}

/** An invocation that has not ended, with what it takes to begin, more than once if need be. */
interface Turn {
  readonly call: Call;
  /** Whether it may be sent to a worker that is busy. */
  readonly isSmall: boolean;
  readonly begin: (line: CallLine) => void;
}

/** Invocations that take less on the average are sent ahead, milliseconds: who waits behind one waits for no longer than that. */
export const SHORT_MS = 2;

/**
 * Invocations that take less together are given to one worker, milliseconds: to wake another for one costs as much of a processor here and there, and its answer comes alone.
 * So many at most.
 */
const TOGETHER_MS = 0.3;
const MOST_TOGETHER = 8;

/** One that takes more than so many times what is usual counts as that. */
const MOST_UNLIKE = 2;

/** How much of the average each one is. */
const WEIGHT = 1 / 8;

/** What waits behind the same invocation for so long is taken back where another worker is free for it, milliseconds, and in any case where that one is stuck. */
const SLOW_MS = 5;

/** For how long nothing is sent so when that happens twice in such a time, milliseconds. Once, and a collector or a neighbour held it up. */
const REST_MS = 500;
const SLOW_AGAIN_MS = 100;
const STUCK_AGAIN_MS = 1_000;

/** A timer that comes so much later says that this process could not do what was to be done, milliseconds. */
const LATE_MS = 5;

/**
 * Which worker has which invocation, and who waits for one. Where invocations are short, a worker is sent the next before it has ended the one that it runs: else it
 * would sleep until the host has read and written, and each would be woken for every invocation. One that turns out long is no neighbour's burden: what waits behind it is taken back.
 */
export class CallTurns {
  /** Workers that may have one at the same time, of those that there are. As long as nobody says so, whoever is too much waits. */
  most = Number.POSITIVE_INFINITY;
  readonly #world: CallTurnsWorld;
  readonly #turns = new InFlight<Call, Turn>();
  /** Without a worker: one that is not there yet, or is being replaced, makes it wait. */
  readonly #waiting: Turn[] = [];
  /** Whose end was asked for when a worker had them. */
  readonly #unwanted = new Map<Call, Interrupt>();
  /** What one takes on the average, and as a rule: without those that were held up. */
  #averageMs = Number.POSITIVE_INFINITY;
  #usualMs = Number.POSITIVE_INFINITY;
  /** Until when nothing is sent ahead, and when something was last stuck. */
  #restsUntil = 0;
  #stuckAt = Number.NEGATIVE_INFINITY;
  /** Until when none are given to one worker together, and when one was last slow. */
  #spreadsUntil = 0;
  #slowAt = Number.NEGATIVE_INFINITY;
  /** Until when there are no more places than workers. */
  #fullUntil = 0;
  #stopWatch: (() => void) | null = null;
  /** What the machine had needed of processors when that was last looked at. */
  #need: { readonly at: number; readonly ns: number } | null = null;

  constructor(world: CallTurnsWorld) {
    this.#world = world;
  }

  /** Invocations that may come at once while they are so short that they wait for each other; 0 when they are not. */
  get placesAhead(): number {
    const { lines, processors = lines.length, clock } = this.#world;
    const now = clock.now();
    // Those that share a worker begin at once in it, and none waits there for another.
    if (lines[0]?.isAlone !== true) return 0;
    if (this.#waiting.length > 0 || now < Math.max(this.#restsUntil, this.#fullUntil)) return 0;
    const together = this.#together(now);
    return together > 1 ? Math.min(processors, this.most, lines.length) * together : 0;
  }

  /** An invocation comes, and begins as soon as a worker takes it. */
  come(call: Call, request: CallRequest, input: CallInput): void {
    // Rehearsals are to reach all workers.
    const isSmall = isInline(input) && request.rehearsal !== true && request.door !== 'start';
    const turn = { call, isSmall, begin: (line: CallLine) => line.begin(this.#world.takeId(), call, request, input) };
    this.#turns.set(call, turn);
    call.whenConfirmed(() => {
      this.#turns.delete(call);
      this.#unwanted.delete(call);
    });
    this.#waiting.push(turn);
    this.#assign();
  }

  /** A worker takes more: it has ended one that took so long, or is there. */
  free(line: CallLine, ranMs: number | null): void {
    const now = this.#world.clock.now();
    const { stuckMs } = this.#world;
    // It held up those behind it, and they were left there since it computed.
    const stoodMs = now - line.movedAt;
    if (stoodMs >= STUCK_MS.native && stoodMs < stuckMs && line.isAlone && line.busy > 0) this.#wasHeldUp(now);
    line.movedAt = now;
    if (ranMs !== null) {
      const isFirst = this.#averageMs === Number.POSITIVE_INFINITY;
      this.#averageMs = isFirst ? ranMs : this.#averageMs + WEIGHT * (ranMs - this.#averageMs);
      // One that a collector held up says nothing of the next.
      const like = isFirst ? ranMs : Math.min(ranMs, MOST_UNLIKE * this.#usualMs + TOGETHER_MS / MOST_TOGETHER);
      this.#usualMs = isFirst ? ranMs : this.#usualMs + WEIGHT * (like - this.#usualMs);
    }
    this.#assign();
  }

  /** What a worker did not begin, in its order: before those that came later. */
  again(calls: readonly Call[]): void {
    const turns: Turn[] = [];
    for (const call of calls) {
      const [turn, why] = [this.#turns.get(call), this.#unwanted.get(call)];
      if (why !== undefined) endUnbegun(call, why);
      else if (turn !== undefined) turns.push(turn);
    }
    this.#waiting.unshift(...turns);
    this.#assign();
  }

  /** The end of an invocation is asked for. */
  cancel(call: Call, why: Interrupt): void {
    const at = this.#waiting.findIndex((each) => each.call === call);
    if (at !== -1) {
      this.#waiting.splice(at, 1);
      endUnbegun(call, why);
      return;
    }
    const { lines, cancel } = this.#world;
    const worker = lines.findIndex((line) => line.carries(call));
    const line = lines[worker];
    if (line === undefined) return;
    // Until it has ended: also the first may come back unbegun, with those behind it.
    if (line.isAlone) this.#unwanted.set(call, why);
    if (line.isAlone && line.first !== call) this.#recall(worker);
    else cancel(call.id, worker, why);
  }

  /** What a worker had not begun comes back. */
  recalled(message: RecalledMessage): void {
    const { lines, cancel } = this.#world;
    const line = lines[message.worker];
    if (line === undefined) throw new WireError(`expected one of ${lines.length} workers, got ${message.worker}`);
    this.again(line.recalled(message));
    for (const [call, why] of this.#unwanted) {
      // It had begun, after all; told twice, the agent takes it once.
      if (line.carries(call)) cancel(call.id, message.worker, why);
    }
  }

  /** All end: the channel is lost. Gives them. */
  end(): Call[] {
    const calls = this.#turns.keys();
    this.#turns.clear();
    this.#waiting.length = 0;
    this.#stopWatch?.();
    return calls;
  }

  #assign(): void {
    const { lines, clock } = this.#world;
    for (let turn = this.#waiting[0]; turn !== undefined; turn = this.#waiting[0]) {
      const now = clock.now();
      const line = chooseLine(lines, this.#needsOf(turn, now));
      if (line === undefined) {
        this.#turnAway(now);
        return;
      }
      this.#waiting.shift();
      if (line.busy === 0) line.movedAt = now;
      turn.begin(line);
      if (line.busy > 1 && line.isAlone) this.#watch();
    }
  }

  #needsOf({ isSmall }: Turn, now: number): LineNeeds {
    const { lines, processors = lines.length, stuckMs } = this.#world;
    const isShort = isSmall && this.#averageMs < SHORT_MS && now >= this.#restsUntil;
    return { processors, most: this.most, isShort, together: this.#together(now), now, stuckMs };
  }

  #together(now: number): number {
    if (now < this.#spreadsUntil || this.#averageMs >= SHORT_MS) return 0;
    return Math.min(MOST_TOGETHER, Math.floor(TOGETHER_MS / this.#usualMs));
  }

  /** More came than may run, since they were short, and are not: the last of those that have not begun are for another sandbox. */
  #turnAway(now: number): void {
    const { lines } = this.#world;
    const [first] = lines;
    if (first === undefined || this.most === Number.POSITIVE_INFINITY) return;
    const over = this.#turns.size - Math.min(this.most, lines.length) * first.atOnce;
    for (let left = Math.min(over, this.#waiting.length); left > 0; left -= 1) {
      const { call, isSmall } = this.#waiting.pop()!;
      // One with much input is not sent ahead in any case, and says nothing of those that are.
      if (isSmall) this.#fullUntil = now + REST_MS;
      [call.mayHaveBegun, call.turnedAway] = [false, true];
      endUnbegun(call, 'machine-failed');
    }
  }

  /** An invocation held up others: once, and a collector may have been it. */
  #wasHeldUp(now: number): void {
    if (now - this.#stuckAt < STUCK_AGAIN_MS) this.#restsUntil = now + REST_MS;
    this.#stuckAt = now;
  }

  /** Whether the machine, of one processor, computed for most of the time since the last look; at a first look it may have. */
  #computes(now: number): boolean {
    const ns = this.#world.needNs();
    const before = this.#need;
    this.#need = ns === null ? null : { at: now, ns };
    if (ns === null) return false;
    if (before === null || now - before.at > 2 * (SLOW_MS + LATE_MS)) return true;
    return ns - before.ns >= ((now - before.at) * 1e6) / 2;
  }

  #recall(worker: number): void {
    const last = this.#world.lines[worker]!.recall();
    if (last !== null) this.#world.recall(worker, last);
  }

  /**
   * Sees to it that nothing waits for long behind another. One timer for all of them. A host that was itself held up, by its collector for instance, has not read yet what
   * workers said meanwhile: it looks once more, at the same, before it judges.
   */
  #watch(before: readonly (Call | undefined)[] | null = null): void {
    if (this.#stopWatch !== null) return;
    const { lines, processors, clock, stuckMs } = this.#world;
    const firsts = before ?? lines.map(({ first }) => first);
    const beganAt = clock.now();
    this.#stopWatch = clock.after(SLOW_MS, () => {
      this.#stopWatch = null;
      const now = clock.now();
      if (before === null && now > beganAt + SLOW_MS + LATE_MS) return this.#watch(firsts);
      const hasFree = workersInUse(lines) < this.most && lines.slice(0, processors).some(({ free }) => free);
      const waitsSince = (line: CallLine) => now - line.movedAt;
      const behind = [...lines.entries()].filter(([, line]) => line.isAlone && line.busy > 1);
      const same = behind.filter(([worker, line]) => line.first === firsts[worker]);
      const stand = same.filter(([, line]) => waitsSince(line) >= STUCK_MS.native && Number.isFinite(line.movedAt));
      const leastMs = stand.length > 0 && stuckMs > STUCK_MS.native && this.#computes(now) ? stuckMs : STUCK_MS.native;
      const stuck = stand.filter(([, line]) => waitsSince(line) >= leastMs);
      const slow = hasFree ? same.filter(([, line]) => waitsSince(line) < STUCK_MS.native) : [];
      // Whatever else comes is not put behind it.
      for (const [, line] of stuck) line.movedAt = Number.NEGATIVE_INFINITY;
      // However many workers it held up, it is one.
      if (stuck.length > 0) this.#wasHeldUp(now);
      if (slow.length > 0) {
        if (now - this.#slowAt < SLOW_AGAIN_MS) this.#spreadsUntil = now + REST_MS;
        this.#slowAt = now;
      }
      for (const [worker] of [...stuck, ...slow]) this.#recall(worker);
      if (behind.length > stuck.length + slow.length) this.#watch();
    });
  }
}

function endUnbegun(call: Call, why: Interrupt | 'machine-failed'): void {
  call.takeDone({ kind: 'failed', code: why, detail: 'the invocation had not begun', runMs: 0 });
}
