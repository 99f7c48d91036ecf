import { asCloudletError, CloudletError, type Part, type RungChange } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { isSurvivable, type Ladder, type NoStep, type Step } from './ladder.ts';
import { PartNeeds } from './part-needs.ts';
import type { PartStore } from './part-store.ts';
import { type DeploymentPatience, ProgressWatch } from './progress-watch.ts';
import type { Provisioned, RungName, RungProgress } from './rung.ts';
import { subjectOf, type Wish } from './wish.ts';

/** What an act of provisioning works with. */
export interface ClimbParts {
  readonly ladder: Ladder<Wish>;
  readonly store: PartStore;
  readonly chunks: ChunkIndex;
  readonly clock: Clock;
  readonly patience: DeploymentPatience;
}

/** What is wanted, and who asked for it first. */
export interface AskedWish {
  readonly wish: Wish;
  readonly user: string;
}

/** Who is told how an act goes. */
export interface ClimbFollower {
  progress(progress: RungProgress): void;
  fell(change: RungChange): void;
  serves(provisioned: Provisioned, progress: PartNeeds['progress']): void;
}

/** One act of provisioning, however many deployments it serves: takes a way, and the next when that fails. */
export class Climb {
  /** Settles with what was provisioned; at once when it is given up, whatever a way that hangs still does. */
  readonly done: Promise<Provisioned>;
  /** Settles when nothing of it goes on any more. */
  readonly over: Promise<Provisioned>;
  readonly #parts: ClimbParts;
  readonly #wish: Wish;
  readonly #user: string;
  readonly #needs: PartNeeds;
  readonly #abort: AbortController;
  readonly #watch: ProgressWatch;
  readonly #followers = new Set<ClimbFollower>();
  /** Resolves when somebody follows it: whoever began it is told all. */
  readonly #begun = Promise.withResolvers<void>();
  #step: Step;
  #last: RungProgress;
  #served: Provisioned | null = null;

  private constructor(parts: ClimbParts, asked: AskedWish, step: Step, needs: PartNeeds, abort: AbortController) {
    this.#parts = parts;
    this.#wish = asked.wish;
    this.#user = asked.user;
    this.#step = step;
    this.#abort = abort;
    this.#needs = needs;
    this.#last = this.#beginning();
    this.over = this.#begun.promise.then(() => this.#climb()).finally(() => needs.release());
    const givenUp = Promise.withResolvers<never>();
    const { signal } = abort;
    const giveUp = (): void => {
      givenUp.reject(signal.reason);
      this.#begun.resolve();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#watch = new ProgressWatch(parts.clock, parts.patience, (error) => abort.abort(error));
    this.done = Promise.race([this.over, givenUp.promise]).finally(() => this.#watch.end());
    for (const each of [this.done, this.over, givenUp.promise]) each.catch(() => {}); // Each follower hears of it by itself; there may be none left.
  }

  /** Looks for a way; who calls it sees to it that nothing is removed until the act is known as one. Rejects when there is none, saying why not. */
  static async begin(parts: ClimbParts, asked: AskedWish, closing: AbortSignal): Promise<Climb> {
    const { wish } = asked;
    const abort = new AbortController();
    const stop = () => abort.abort(closing.reason);
    if (closing.aborted) stop();
    closing.addEventListener('abort', stop, { once: true });
    const unhook = () => closing.removeEventListener('abort', stop);
    try {
      const needs = new PartNeeds(parts, abort.signal, (error) => abort.abort(error));
      const step = await look(parts.ladder, wish, null, needs, abort.signal);
      if ('whys' in step) throw noWay(wish, step.whys);
      const climb = new Climb(parts, asked, step, needs, abort);
      void climb.over.then(unhook, unhook);
      return climb;
    } catch (error) {
      unhook();
      throw error;
    }
  }

  /** The way that is taken. */
  get rung(): RungName {
    return this.#step.rung;
  }

  /** Whether it was given up. */
  get isGivenUp(): boolean {
    return this.#abort.signal.aborted;
  }

  get needs(): PartNeeds {
    return this.#needs;
  }

  /** How far it is. */
  get last(): RungProgress {
    return this.#last;
  }

  /** What its device must still send, in order. */
  missing(): Part[] {
    return this.#needs.missing();
  }

  follow(follower: ClimbFollower): void {
    this.#followers.add(follower);
    this.#begun.resolve();
    if (this.#served !== null) follower.serves(this.#served, this.#needs.progress);
  }

  /** A follower (null: one that never was) is not interested any more; without any the act is given up. */
  leave(follower: ClimbFollower | null, reason: CloudletError): void {
    if (follower !== null) this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#abort.abort(reason);
  }

  /** A part came, from whomever. */
  arrived(digest: Part['digest']): void {
    const isTold = this.#last.stage === 'receiving' || this.#served !== null;
    if (this.#needs.arrived(digest) && isTold) this.#report(this.#receiving());
  }

  async #climb(): Promise<Provisioned> {
    for (;;) {
      try {
        const { signal } = this.#abort;
        signal.throwIfAborted();
        return await this.#step.offer.provision({
          ...{ parts: this.#needs, report: this.#report, user: this.#user, signal },
          serves: (provisioned) => {
            this.#served = provisioned;
            for (const follower of this.#followers) follower.serves(provisioned, this.#needs.progress);
          },
        });
      } catch (thrown) {
        // Who was told that it serves must hear that it does not any more.
        if (this.#served !== null) throw this.#abort.signal.aborted ? this.#abort.signal.reason : thrown;
        await this.#fall(thrown);
      }
    }
  }

  /** Takes the next way, unless the failure would be the same there or there is none: then throws it. */
  async #fall(thrown: unknown): Promise<void> {
    const { signal } = this.#abort;
    // Whatever an act that was given up dies of, the reason is that it was.
    if (signal.aborted) throw signal.reason;
    const error = asCloudletError(thrown);
    const failed = this.#step;
    if (!isSurvivable(error, failed.rung)) throw thrown;
    const { ladder, store } = this.#parts;
    const next = await store.looks.look(() => look(ladder, this.#wish, failed, this.#needs, signal));
    if ('whys' in next) throw thrown;
    this.#step = next;
    const problem = { code: error.code, detail: error.message };
    const bytesMissing = this.#needs.progress.bytesTotal;
    for (const follower of this.#followers)
      follower.fell({ from: failed.rung, rung: next.rung, problem, bytesMissing });
    this.#report(this.#beginning());
  }

  readonly #report = (progress: RungProgress): void => {
    this.#watch.saw(progress);
    const { log: _, ...lasting } = progress;
    this.#last = { ...this.#last, ...lasting };
    for (const follower of this.#followers) follower.progress(progress);
  };

  #beginning(): RungProgress {
    return this.#needs.progress.bytesTotal > 0
      ? this.#receiving()
      : { stage: 'beginning', bytesDone: 0, bytesTotal: null };
  }

  #receiving(): RungProgress {
    return { stage: 'receiving', ...this.#needs.progress };
  }
}

/** Finds the next way behind `after`, and has what it counts on stay. */
async function look(
  ladder: Ladder<Wish>,
  wish: Wish,
  after: Step | null,
  needs: PartNeeds,
  signal: AbortSignal,
): Promise<Step | NoStep> {
  for (;;) {
    const next = await ladder.next(wish, after, signal);
    if ('whys' in next || needs.replace(next.offer)) return next;
  }
}

/** What is said when no way can be taken. */
function noWay(wish: Wish, whys: readonly string[]): CloudletError {
  const { kind, name } = subjectOf(wish);
  const reasons =
    whys.length === 0
      ? '; say what it can be made of, such as a component, a recipe, an overlay or an address'
      : ` (${whys.join('; ')})`;
  return new CloudletError(
    kind === 'function' ? 'function-unknown' : 'service-unknown',
    `expected a way to the ${kind} "${name}", found none${reasons}`,
  );
}
