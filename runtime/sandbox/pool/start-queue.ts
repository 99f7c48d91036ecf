import { InFlight } from '../in-flight.ts';
import { FairTurns } from './fair-turns.ts';
import type { VersionLane } from './version-lane.ts';

/** What a queue of starts decides by, and whom it has do it. */
export interface StartQueueOptions {
  /** Starts at once. */
  readonly starts: number;
  readonly weight: (program: string) => number;
  /** Whether there is room for one more sandbox of a lane. */
  readonly fits: (lane: VersionLane) => boolean;
  /** Begins to make room for one; who calls asks `fits` again later. */
  readonly makeRoom: (lane: VersionLane) => void;
  /** Starts one, for those who wait or ahead of them. Never rejects. */
  readonly start: (lane: VersionLane, forWaiting: boolean) => Promise<void>;
  /** Nobody wants a start and none goes on. */
  readonly rest: () => void;
}

/** Which lane gets the next start: who waits in fair turns between functions, then what is worth having ahead, if room is left. */
export class StartQueue {
  readonly #options: StartQueueOptions;
  readonly #turns = new FairTurns();
  /** Lanes that may want a sandbox for those who wait, and lanes that may want one ahead. */
  readonly #wanting = new InFlight<VersionLane, true>();
  readonly #ahead = new InFlight<VersionLane, true>();
  readonly #prewarming = new Map<VersionLane, PromiseWithResolvers<void>>();
  #starting = 0;
  #closed = false;

  constructor(options: StartQueueOptions) {
    this.#options = options;
  }

  /** Starts that go on. */
  get starting(): number {
    return this.#starting;
  }

  /** Whether somebody waits for a start that cannot be made yet. */
  get isShort(): boolean {
    return this.#wanting.size > 0;
  }

  /** Whether somebody waits while as many starts go on as may: for one of these, or for one that cannot be made yet. */
  get isAwaited(): boolean {
    for (const lane of this.#wanting.keys()) if (lane.waiting > 0) return true;
    return false;
  }

  /** What a lane wants may be another. */
  changed(lane: VersionLane): void {
    this.#wanting.set(lane, true);
    this.#ahead.set(lane, true);
    this.pump();
  }

  /** Starts one for a lane that has none, if there is room without taking it from another; resolves when it is there or not to be. */
  prewarm(lane: VersionLane): Promise<void> {
    const known = this.#prewarming.get(lane) ?? Promise.withResolvers<void>();
    this.#prewarming.set(lane, known);
    this.#ahead.set(lane, true);
    this.pump();
    return known.promise;
  }

  /** The lane wants nothing any more. */
  drop(lane: VersionLane): void {
    this.#wanting.delete(lane);
    this.#ahead.delete(lane);
    this.#prewarmed(lane);
  }

  /** Begins nothing more. */
  close(): void {
    this.#closed = true;
    for (const lane of [...this.#prewarming.keys()]) this.#prewarmed(lane);
  }

  /** Starts what may be started now; to be called when there may be room again. */
  pump(): void {
    const { starts, weight, fits, makeRoom, rest } = this.#options;
    const skipped = new Set<VersionLane>();
    while (this.#starting < starts && !this.#closed) {
      const lane = this.#next(skipped);
      if (lane === null) break;
      if (fits(lane)) {
        const { program } = lane.version;
        this.#turns.take(program, weight(program));
        this.#start(lane, true);
        continue;
      }
      makeRoom(lane);
      // Who has nothing is not overtaken: small ones would take the room again and again.
      if (lane.held === 0) return;
      skipped.add(lane);
    }
    if (!this.isShort) this.#startAhead();
    if (!this.isShort && this.#starting === 0 && !this.#closed) rest();
  }

  /** The lane whose turn it is; of several, the one in which somebody waits longest. */
  #next(skipped: ReadonlySet<VersionLane>): VersionLane | null {
    let next: VersionLane | null = null;
    for (const lane of this.#wanting.keys()) {
      if (lane.wanted() === 0) this.#wanting.delete(lane);
      else if (!skipped.has(lane) && (next === null || this.#isBefore(lane, next))) next = lane;
    }
    return next;
  }

  #isBefore(a: VersionLane, b: VersionLane): boolean {
    const byTurn = this.#turns.tag(a.version.program) - this.#turns.tag(b.version.program);
    return byTurn < 0 || (byTurn === 0 && a.oldestSince! < b.oldestSince!);
  }

  #startAhead(): void {
    for (const lane of this.#ahead.keys()) {
      if (this.#starting >= this.#options.starts || this.#closed) return;
      const isWorthIt = lane.aheadWanted(this.#prewarming.has(lane) ? 1 : 0) > 0;
      if (isWorthIt && this.#options.fits(lane)) {
        this.#start(lane, false);
        continue;
      }
      this.#ahead.delete(lane);
      if (lane.starting === 0) this.#prewarmed(lane);
    }
  }

  #start(lane: VersionLane, forWaiting: boolean): void {
    this.#starting += 1;
    void this.#options.start(lane, forWaiting).then(() => {
      this.#starting -= 1;
      this.#prewarmed(lane);
      this.changed(lane);
    });
  }

  #prewarmed(lane: VersionLane): void {
    this.#prewarming.get(lane)?.resolve();
    this.#prewarming.delete(lane);
  }
}
