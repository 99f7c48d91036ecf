import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import { type RungProgress, WAITING } from './rung.ts';

/** How long an act of provisioning may take. */
export interface DeploymentPatience {
  /** Without any progress (another stage, more bytes, lines of a log), milliseconds; while it waits for its turn that is not counted. */
  readonly silentMs: number;
  /** In all, milliseconds: progress can be as slow as whoever makes it likes. */
  readonly wholeMs: number;
}

/** What an act may take when nothing else is said. Indexing packages under emulation says nothing for some minutes. */
export const DEPLOYMENT_PATIENCE: DeploymentPatience = { silentMs: 15 * 60_000, wholeMs: 6 * 3_600_000 };

/** Sees to it that no act goes on for ever: tells once, with why, that one has stalled or takes too long. */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #patience: DeploymentPatience;
  readonly #giveUp: (error: CloudletError) => void;
  readonly #beganAtMs: number;
  #lastAtMs: number;
  #stage = 'beginning';
  #bytesDone = 0;
  #cancel: () => void = () => {};

  constructor(clock: Clock, patience: DeploymentPatience, giveUp: (error: CloudletError) => void) {
    this.#clock = clock;
    this.#patience = patience;
    this.#giveUp = giveUp;
    this.#beganAtMs = clock.now();
    this.#lastAtMs = this.#beganAtMs;
    this.#wait();
  }

  /** It was reported how far the act is, which may be no further than before. */
  saw({ stage, bytesDone = 0, log = '' }: RungProgress): void {
    const isFurther = stage !== this.#stage || bytesDone > this.#bytesDone || log !== '';
    if (stage !== this.#stage) this.#bytesDone = 0;
    this.#stage = stage;
    this.#bytesDone = Math.max(bytesDone, this.#bytesDone);
    // The timer is looked at when it fires: reports come by the thousand.
    if (isFurther) this.#lastAtMs = this.#clock.now();
  }

  /** The act has ended. Idempotent. */
  end(): void {
    this.#cancel();
  }

  #wait(): void {
    const { silentMs, wholeMs } = this.#patience;
    const now = this.#clock.now();
    if (this.#stage === WAITING) this.#lastAtMs = now;
    const silentLeft = this.#lastAtMs + silentMs - now;
    const wholeLeft = this.#beganAtMs + wholeMs - now;
    if (silentLeft <= 0) this.#end(`any progress within ${inMinutes(silentMs)}`);
    else if (wholeLeft <= 0) this.#end(`its end within ${inMinutes(wholeMs)}`);
    else this.#cancel = this.#clock.after(Math.min(silentLeft, wholeLeft), () => this.#wait());
  }

  #end(expected: string): void {
    this.#giveUp(
      new CloudletError(
        'deadline-exceeded',
        `expected of the deployment ${expected}, got none in the stage "${this.#stage}"; ask again, what was sent is kept for a day`,
      ),
    );
  }
}

function inMinutes(ms: number): string {
  return `${Math.round(ms / 6000) / 10} minutes`;
}
