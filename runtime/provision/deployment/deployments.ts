import { randomUUID } from 'node:crypto';
import {
  asCloudletError,
  CloudletError,
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequest,
  type DeploymentRung,
  type Digest,
  type FunctionName,
  isEnded,
  parseDigest,
  unmetRequirements,
  type WantedParts,
} from '../../../guest-sdk/protocol/index.ts';
import { type Clock, systemClock } from '../../sandbox/index.ts';
import type { PublishOptions } from '../publish.ts';
import type { AskedDeployment } from './asked-deployment.ts';
import type { Climb } from './climb.ts';
import { Climbs } from './climbs.ts';
import type { DeploymentsOptions } from './deployments-options.ts';
import type { Dictionaries } from './dictionaries.ts';
import { Ladder } from './ladder.ts';
import { DEPLOYMENT_PATIENCE, type DeploymentPatience, ProgressWatch } from './progress-watch.ts';
import type { RungProgress } from './rung.ts';
import { WatchedDeployment } from './watched-deployment.ts';
import { subjectOf, wishOf } from './wish.ts';

/** Deployments at once: each may hold parts and a machine. */
const MOST_AT_ONCE = 64;
/** How often parts that nobody came back for are looked for, milliseconds. */
const SWEEP_MS = 3_600_000;

interface Going {
  readonly watched: WatchedDeployment;
  /** Null: a publish that is watched. */
  readonly climb: Climb | null;
}

/** Acts of provisioning by id: asked for, fed with parts, watched to exactly one end. */
export class Deployments {
  readonly dictionaries: Dictionaries;
  readonly #options: DeploymentsOptions;
  readonly #clock: Clock;
  readonly #now: () => Date;
  readonly #going = new Map<string, Going>();
  readonly #climbs: Climbs;
  readonly #patience: DeploymentPatience;
  readonly #closing = new AbortController();
  readonly #working = new Set<Promise<unknown>>();
  #cancelSweep = () => {};

  /** Goes on where the last host stopped: what it did not finish is complete, or failed with `interrupted`. */
  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { parts: store, chunks } = options.store;
    this.dictionaries = options.store.dictionaries;
    const ladder = new Ladder(options.rungs);
    const clock = this.#clock;
    this.#patience = { ...DEPLOYMENT_PATIENCE, ...options.patience };
    this.#climbs = new Climbs({ ladder, store, chunks, clock, patience: this.#patience }, this.#closing.signal);
    this.#now = options.now ?? (() => new Date());
    options.store.recover(options.isComplete ?? (() => null), this.#now());
    this.#sweep();
  }

  /**
   * Takes the cheapest way to what is wanted. Resolves when it began, and when there was nothing to do but to look, when it is ready.
   * `requirements-unmet` says what is missing for each alternative; `function-unknown`, `service-unknown` why no way can be taken.
   */
  async ask(request: DeploymentRequest): Promise<AskedDeployment> {
    this.#checkOpen();
    await this.#checkRequirements(request);
    const { want } = request;
    if ('store' in want) throw new CloudletError('store-unknown', `expected a wish without store, got "${want.store}"`);
    const dictionary = this.dictionaries.first(request.dictionaries);
    const wish = wishOf(want, request, dictionary);
    this.#checkRoom();
    const climb = await this.#climbs.for(wish);
    const { kind, name } = subjectOf(wish);
    const watched = this.#beginIn(climb, () => this.#begin(kind, name, climb.rung, climb.last));
    const { id } = watched.state;
    this.#going.set(id, { watched, climb });
    climb.follow(watched);
    const ended = this.#track(
      climb.done
        .then(
          (provisioned) => watched.ready(provisioned),
          (error: unknown) => watched.failed(this.#told(error)),
        )
        .catch((error: unknown) => this.#options.failed?.(error))
        .finally(() => this.#going.delete(id)),
    );
    if (climb.rung === 'running') await ended;
    return {
      deployment: watched.state,
      missing: isEnded(watched.state) ? [] : climb.missing(),
      ...(dictionary === null ? {} : { dictionary }),
    };
  }

  /**
   * Publishes a body and watches it. Resolves once the body was received, and rejects with what failed before; later failures are its
   * end.
   */
  async publish(
    name: FunctionName,
    body: AsyncIterable<Uint8Array>,
    options: Omit<PublishOptions, 'onProgress'> = {},
  ): Promise<Deployment> {
    this.#checkOpen();
    this.#checkRoom();
    const watched = this.#begin('function', name, 'package', { stage: 'receiving' });
    const { id } = watched.state;
    this.#going.set(id, { watched, climb: null });
    const received = Promise.withResolvers<void>();
    const late = new AbortController();
    const watch = new ProgressWatch(this.#clock, this.#patience, (error) => late.abort(error));
    const signal = AbortSignal.any([late.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const onProgress = (progress: RungProgress): void => {
      watched.progress(progress);
      watch.saw(progress);
      if (progress.stage !== 'receiving') received.resolve();
    };
    const ended = this.#options.publish(name, body, { ...options, signal, onProgress }).then(
      (published) => {
        watched.ready({ address: published.address, digest: parseDigest(published.digest), published });
        received.resolve();
      },
      (error: unknown) => {
        const isReceiving = watched.state.stage === 'receiving';
        watched.failed(this.#told(error));
        if (isReceiving) this.#options.store.history.remove(id);
        received.reject(error);
      },
    );
    const over = (): void => {
      watch.end();
      this.#going.delete(id);
    };
    void this.#track(ended.finally(over));
    await received.promise;
    return watched.state;
  }

  /** All that are remembered, newest first. */
  list(): Deployment[] {
    return this.#options.store.history.list().map((each) => this.#going.get(each.id)?.watched.state ?? each);
  }

  /** One as it is now; `not-found` when there is none of this id, or it ended long ago. */
  get(id: string): Deployment {
    const found = this.#going.get(id)?.watched.state ?? this.#options.store.history.find(id);
    if (found !== undefined) return found;
    throw new CloudletError(
      'not-found',
      `expected the id of a deployment, got ${JSON.stringify(id.slice(0, 64))}; old ones are forgotten`,
    );
  }

  /** What is told of one behind the event with a number, up to its end. Who reads slowly slows nobody. */
  async *events(id: string, after = 0, signal?: AbortSignal): AsyncGenerator<DeploymentEvent, void, undefined> {
    this.get(id);
    const { history } = this.#options.store;
    let last = after;
    while (signal?.aborted !== true) {
      const going = this.#going.get(id);
      const rung = going?.watched.bell.rung(signal);
      const events = history.after(id, last);
      for (const event of events) {
        last = event.id;
        yield event;
        if (event.event === 'state' && isEnded(event.data)) return;
      }
      if (events.length > 0) continue;
      if (rung === undefined) return;
      await rung;
    }
  }

  /** What its device is to send next, at most `most` of it. */
  wanted(id: string, most?: number): WantedParts {
    this.get(id);
    return this.#going.get(id)?.climb?.needs.wanted(most) ?? { wanted: [], missing: 0 };
  }

  /** Takes a part, unless it is here already, and says what to send next; `not-found` for one that the deployment has no use for. */
  async part(id: string, digest: Digest, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<WantedParts> {
    this.get(id);
    const { parts } = this.#options.store;
    const needs = this.#going.get(id)?.climb?.needs;
    // It has ended: its events say how, and nothing is missing any more.
    if (needs === undefined) return { wanted: [], missing: 0 };
    const bytes = needs.bytesOf(digest);
    if (bytes === undefined)
      throw new CloudletError(
        'not-found',
        `expected a part of this deployment, got ${digest}; it needs none of this digest`,
      );
    if (!parts.has(digest)) {
      const both = AbortSignal.any([signal, this.#closing.signal]);
      await this.#track(parts.write({ digest, bytes }, body, this.#climbs.isUsing, both));
    }
    this.#climbs.arrived(digest);
    return this.wanted(id);
  }

  /** Gives one up, unless it has ended; what others wait for goes on. */
  async cancel(id: string): Promise<Deployment> {
    const reason = new CloudletError('client-closed', 'the deployment was cancelled');
    const going = this.#going.get(id);
    if (going?.climb === null)
      throw new CloudletError('conflict', 'expected a deployment that was asked for; a publish ends with its request');
    if (going !== undefined) {
      going.watched.failed(reason);
      going.climb.leave(going.watched, reason);
      this.#going.delete(id);
    }
    return this.get(id);
  }

  /** Gives all up, which leaves parts for those who come back. Idempotent. */
  async close(): Promise<void> {
    this.#cancelSweep();
    this.#closing.abort(
      new CloudletError('interrupted', 'the cloudlet shut down before the deployment was ready; ask again'),
    );
    await this.#climbs.settled();
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
  }

  /** An act that nobody can follow, since that cannot be written down, is given up. */
  #beginIn(climb: Climb, begin: () => WatchedDeployment): WatchedDeployment {
    try {
      return begin();
    } catch (error) {
      climb.leave(null, asCloudletError(error));
      throw error;
    }
  }

  #begin(kind: 'function' | 'service', name: string, rung: DeploymentRung, last: RungProgress): WatchedDeployment {
    const { store, changed = () => {}, failed: unwritten = () => {} } = this.#options;
    const parts = {
      history: store.history,
      clock: this.#clock,
      now: this.#now,
      changed,
      unwritten,
      closing: this.#closing.signal,
    };
    return new WatchedDeployment(parts, {
      ...{ id: randomUUID(), kind, name, ...(kind === 'function' ? { function: name } : {}) },
      ...{ rung, stage: last.stage, state: last.stage },
      ...{ bytesDone: last.bytesDone ?? 0, bytesTotal: last.bytesTotal ?? null, estimateS: null },
      ...{ startedAt: this.#now().toISOString(), endedAt: null },
      ...(last.digest === undefined ? {} : { digest: last.digest }),
    });
  }

  #sweep(): void {
    void this.#track(this.#options.store.parts.sweep(this.#climbs.isUsing)).catch(() => {}); // What could not be removed is tried again in an hour.
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  async #checkRequirements({ requirements }: DeploymentRequest): Promise<void> {
    const unmet = requirements.length === 0 ? null : unmetRequirements(requirements, await this.#options.facts());
    if (unmet === null) return;
    const all = unmet.map((clause, at) => (unmet.length === 1 ? clause : `${at + 1}: ${clause}`)).join('; ');
    throw new CloudletError('requirements-unmet', `expected a cloudlet that has what is required, but ${all}`);
  }

  #checkRoom(): void {
    if (this.#going.size + this.#climbs.looking < MOST_AT_ONCE) return;
    throw new CloudletError(
      'at-capacity',
      `expected at most ${MOST_AT_ONCE} deployments at once; try again when one has ended`,
    );
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new CloudletError('draining', 'the cloudlet is shutting down');
  }

  /** An act that was given up because the cloudlet closes says so. */
  #told(error: unknown): CloudletError {
    return asCloudletError(this.#closing.signal.aborted ? this.#closing.signal.reason : error);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
    return tracked;
  }
}
