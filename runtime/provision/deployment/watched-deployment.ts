import { type CloudletError, type Deployment, isEnded, type RungChange } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import { Bell } from '../bell.ts';
import type { DeploymentHistory, UnnumberedEvent } from './deployment-history.ts';
import { ProgressRate } from './progress-rate.ts';
import type { Provisioned, RungProgress } from './rung.ts';

/** How often a deployment's progress within one stage is told at most, milliseconds. */
const EVERY_MS = 200;
/** Longest text of one log event, characters; what comes faster in between is cut. */
const MAX_LOG_CHARACTERS = 16 * 1024;

/** When what could not be written down is tried again, milliseconds. */
const AGAIN_MS = 5_000;
/** Events that wait for it at most. */
const MAX_UNTOLD = 16;

/** What a deployment is made and told with. */
export interface WatchedParts {
  readonly history: DeploymentHistory;
  readonly clock: Clock;
  readonly now: () => Date;
  /** Something about it is different now. */
  readonly changed: () => void;
  /** What happened could not be written down; that is tried again. */
  readonly unwritten: (error: unknown) => void;
  /** Fires when nothing is tried again any more. */
  readonly closing: AbortSignal;
  /** Whether it is told ready when it can be used, and complete when all of it is here; else ready only then. */
  readonly early?: boolean;
}

/** One deployment that goes on: takes what happens, and tells it in numbered events, the last of which is its end. */
export class WatchedDeployment {
  readonly bell = new Bell();
  readonly #parts: WatchedParts;
  readonly #rate = new ProgressRate();
  #state: Deployment;
  #log = '';
  /** What could not be written down. */
  #untold: UnnumberedEvent[] = [];
  #toldAtMs: number;
  #isServing = false;
  #cancelTimer: (() => void) | null = null;

  constructor(parts: WatchedParts, deployment: Deployment) {
    this.#parts = parts;
    this.#state = deployment;
    this.#toldAtMs = parts.clock.now();
    parts.history.begin(deployment);
    parts.changed();
  }

  get state(): Deployment {
    return this.#state;
  }

  /** It came further. Of many reports in a moment the last is told, of stages and log lines each. */
  progress({ stage, bytesDone, bytesTotal, log, digest }: RungProgress): void {
    if (isEnded(this.#state)) return;
    if (this.#isServing) {
      if (stage === 'receiving') this.#follows(bytesDone ?? this.#state.bytesDone);
      return;
    }
    const isNew = stage !== this.#state.stage;
    const done = bytesDone ?? (isNew ? 0 : this.#state.bytesDone);
    const total = bytesTotal === undefined ? (isNew ? null : this.#state.bytesTotal) : bytesTotal;
    const estimateS = this.#rate.estimateS(stage, done, total, this.#parts.clock.now());
    if (log !== undefined) this.#addLog(log);
    // What was told of the stage before must be told before this one is.
    if (isNew && this.#cancelTimer !== null) this.#tell();
    this.#state = { ...this.#state, stage, state: stage, bytesDone: done, bytesTotal: total, estimateS };
    if (digest !== undefined) this.#state = { ...this.#state, digest };
    if (isNew) this.#tell();
    else this.#tellSoon();
  }

  /** Another way is taken. */
  fell(change: RungChange): void {
    if (isEnded(this.#state)) return;
    this.#state = { ...this.#state, rung: change.rung };
    this.#tell([{ event: 'rung', data: change }]);
  }

  /** It can be used, while bytes of it still come: told to who wants to know it early. */
  serves(
    { address, digest, published }: Omit<Provisioned, 'kind' | 'name'>,
    progress: Pick<Deployment, 'bytesDone' | 'bytesTotal'>,
  ): void {
    if (this.#parts.early !== true || this.#isServing || isEnded(this.#state)) return;
    this.#isServing = true;
    if (this.#cancelTimer !== null) this.#tell();
    const told = { ...progress, address, digest, ...(published === undefined ? {} : { published }) };
    this.#state = { ...this.#state, stage: 'ready', state: 'ready', estimateS: null, ...told };
    this.#tell();
  }

  /** All of it is here. */
  ready({ address, digest, published }: Omit<Provisioned, 'kind' | 'name'>): void {
    const { bytesTotal, bytesDone } = this.#state;
    const stage = this.#isServing ? 'complete' : 'ready';
    this.#end({
      ...{ stage, address, digest, bytesDone: bytesTotal ?? bytesDone },
      ...(published === undefined ? {} : { published }),
    });
  }

  /** It failed. */
  failed({ code, message }: CloudletError): void {
    this.#end({ stage: 'failed', problem: { code, detail: message } });
  }

  /** More of what it serves without has come. */
  #follows(bytesDone: number): void {
    const { bytesTotal } = this.#state;
    const estimateS = this.#rate.estimateS('receiving', bytesDone, bytesTotal, this.#parts.clock.now());
    this.#state = { ...this.#state, bytesDone, estimateS };
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#parts.clock.now() - this.#toldAtMs >= EVERY_MS) this.#tell();
    else this.#cancelTimer ??= this.#parts.clock.after(EVERY_MS, () => this.#tell());
  }

  #end(news: Partial<Deployment> & { readonly stage: string }): void {
    if (isEnded(this.#state)) return;
    const endedAt = this.#parts.now().toISOString();
    this.#state = { ...this.#state, ...news, state: news.stage, estimateS: null, endedAt };
    this.#tell();
    this.#parts.history.prune();
  }

  #addLog(text: string): void {
    this.#log += text;
    if (this.#log.length <= MAX_LOG_CHARACTERS) return;
    this.#log = `${this.#log.slice(0, MAX_LOG_CHARACTERS)}\n… more was said than can be told\n`;
  }

  #tell(first: readonly UnnumberedEvent[] = []): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#toldAtMs = this.#parts.clock.now();
    const log: UnnumberedEvent[] = this.#log === '' ? [] : [{ event: 'log', data: { text: this.#log } }];
    this.#log = '';
    const events: UnnumberedEvent[] = [...this.#untold, ...first, ...log];
    try {
      this.#parts.history.tell(this.#state, [...events, { event: 'state', data: this.#state }]);
      this.#untold = [];
    } catch (error) {
      // The disk is full, or fails. Nobody who reports progress can help it, and its end must not be lost.
      this.#untold = events.slice(-MAX_UNTOLD);
      if (!this.#parts.closing.aborted) this.#cancelTimer = this.#parts.clock.after(AGAIN_MS, () => this.#tell());
      this.#parts.unwritten(error);
    }
    this.bell.ring();
    this.#parts.changed();
  }
}
