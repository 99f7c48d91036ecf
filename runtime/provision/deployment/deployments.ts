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
  type WantedParts,
} from '../../../guest-sdk/protocol/index.ts';
import { type Clock, systemClock } from '../../sandbox/index.ts';
import { FairPlaces } from '../../service/index.ts';
import type { PublishOptions } from '../publish.ts';
import type { AskedDeployment } from './asked-deployment.ts';
import type { Climb } from './climb.ts';
import { Climbs } from './climbs.ts';
import { ComingDeployments } from './coming-deployments.ts';
import { DEPLOYMENT_PLACES, type DeploymentsOptions } from './deployments-options.ts';
import type { Dictionaries } from './dictionaries.ts';
import { expectRequirements } from './expect-requirements.ts';
import { Ladder } from './ladder.ts';
import { expectUnused, kept, newDeployment } from './new-deployment.ts';
import { DEPLOYMENT_PATIENCE, type DeploymentPatience } from './progress-watch.ts';
import type { RungProgress } from './rung.ts';
import { WatchedDeployment } from './watched-deployment.ts';
import { watchPublish } from './watched-publish.ts';
import { subjectOf, type Wish, wishOf } from './wish.ts';

/** Who asks when nobody is named. */
const OWNER = 'owner';
/** How often parts that nobody came back for are looked for, milliseconds. */
const SWEEP_MS = 3_600_000;

interface Going {
  readonly watched: WatchedDeployment;
  /** Null: a publish that is watched. */
  readonly climb: Climb | null;
  /** Leaves its place. */
  readonly leave: () => void;
}

/** Acts of provisioning by id: asked for, fed with parts, watched to exactly one end. */
export class Deployments {
  readonly dictionaries: Dictionaries;
  readonly #options: DeploymentsOptions;
  readonly #clock: Clock;
  readonly #now: () => Date;
  readonly #going = new Map<string, Going>();
  readonly #places = new FairPlaces(DEPLOYMENT_PLACES);
  readonly #climbs: Climbs;
  readonly #coming: ComingDeployments;
  readonly #patience: DeploymentPatience;
  readonly #closing = new AbortController();
  readonly #working = new Set<Promise<unknown>>();
  #cancelSweep = () => {};

  /** Goes on where the last host stopped: what it did not finish is complete, or failed with `interrupted`. */
  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#coming = new ComingDeployments(this.#clock, this.#closing.signal);
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
   * `requirements-unmet` says what is missing for each alternative; `function-unknown`, `service-unknown` why no way can be taken; `at-capacity` that
   * `user` has its share of the places. `vouchedBy`: the key of the store entry that brings it.
   */
  ask(request: DeploymentRequest, user = OWNER, vouchedBy?: string): Promise<AskedDeployment> {
    return this.#coming.until(this.#ask(request, user, vouchedBy), request.id);
  }

  async #ask(request: DeploymentRequest, user: string, vouchedBy: string | undefined): Promise<AskedDeployment> {
    this.#checkOpen();
    await expectRequirements(request.requirements, this.#options.facts);
    const { want } = request;
    if ('store' in want) throw new CloudletError('store-unknown', `expected a wish without store, got "${want.store}"`);
    const dictionary = this.dictionaries.first(request.dictionaries);
    const wish = { ...wishOf(want, request, dictionary), vouchedBy };
    expectUnused(request.id, (id) => this.#find(id)); // Before an act begins that others may come to share.
    const leave = this.#places.take(user);
    let climb: Climb;
    let watched: WatchedDeployment;
    try {
      // What it is to be told begins in the turn in which its act is found: later the act would be further, or over.
      climb = await this.#climbs.for(wish, user);
      watched = this.#followed(climb, wish, request);
    } catch (error) {
      leave();
      throw error;
    }
    const { id } = watched.state;
    this.#going.set(id, { watched, climb, leave });
    const ended = this.#track(
      climb.done
        .then(
          (provisioned) => watched.ready(provisioned),
          (error: unknown) => watched.failed(this.#told(error)),
        )
        .catch((error: unknown) => this.#options.failed?.(error))
        .finally(() => this.#forget(id)),
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
    user = OWNER,
  ): Promise<Deployment> {
    this.#checkOpen();
    const leave = this.#places.take(user);
    const watched = kept(leave, () => this.#begin('function', name, 'package', { stage: 'receiving' }));
    const { id } = watched.state;
    this.#going.set(id, { watched, climb: null, leave });
    const { received, ended } = watchPublish(
      watched,
      (watching) => this.#options.publish(name, body, { ...options, ...watching }),
      { clock: this.#clock, patience: this.#patience, signal: options.signal, told: (error) => this.#told(error) },
    );
    const over = ({ isUnreceived }: { readonly isUnreceived: boolean }): void => {
      // Its sender is told by the answer.
      if (isUnreceived) this.#options.store.history.remove(id);
      this.#forget(id);
    };
    const done = this.#track(ended.then(over));
    await received.catch(async (error: unknown) => {
      await done;
      throw error;
    });
    return watched.state;
  }

  /** All that are remembered, newest first. */
  list(): Deployment[] {
    return this.#options.store.history.list().map((each) => this.#going.get(each.id)?.watched.state ?? each);
  }

  /** One as it is now; `not-found` when there is none of this id, or it ended long ago. */
  get(id: string): Deployment {
    const found = this.#find(id);
    if (found !== undefined) return found;
    const sentence = `expected the id of a deployment, got ${JSON.stringify(id.slice(0, 64))}; old ones are forgotten`;
    throw new CloudletError('not-found', sentence);
  }

  /** What is told of one behind the event with a number, up to its end. Who reads slowly slows nobody. */
  async *events(id: string, after = 0, signal?: AbortSignal): AsyncGenerator<DeploymentEvent, void, undefined> {
    this.get(id);
    const { history } = this.#options.store;
    let last = history.resumed(id, after);
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

  /** Resolves when there is one of this id, or is not to be: its parts may come before the question. */
  async coming(id: string, signal: AbortSignal, caller = OWNER): Promise<void> {
    if (this.#find(id) === undefined) await this.#coming.wait(id, caller, signal);
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
      this.#forget(id);
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

  #followed(climb: Climb, wish: Wish, asked: Pick<DeploymentRequest, 'early' | 'id'>): WatchedDeployment {
    const { kind, name } = subjectOf(wish);
    try {
      const watched = this.#begin(kind, name, climb.rung, climb.last, asked);
      climb.follow(watched);
      return watched;
    } catch (error) {
      // An act that nobody can follow, since that cannot be written down, is given up.
      climb.leave(null, asCloudletError(error));
      throw error;
    }
  }

  #find(id: string): Deployment | undefined {
    return this.#going.get(id)?.watched.state ?? this.#options.store.history.find(id);
  }

  #forget(id: string): void {
    this.#going.get(id)?.leave();
    this.#going.delete(id);
  }

  #begin(
    kind: 'function' | 'service',
    name: string,
    rung: DeploymentRung,
    last: RungProgress,
    { early = false, id }: Pick<DeploymentRequest, 'early' | 'id'> = {},
  ): WatchedDeployment {
    const { store, changed = () => {}, failed: unwritten = () => {} } = this.#options;
    const { history } = store;
    expectUnused(id, (each) => this.#find(each));
    const [clock, now, closing] = [this.#clock, this.#now, this.#closing.signal];
    const parts = { history, clock, now, changed, unwritten, closing, early };
    return new WatchedDeployment(parts, newDeployment(kind, name, rung, last, now(), id));
  }

  #sweep(): void {
    void this.#track(this.#options.store.parts.sweep(this.#climbs.isUsing)).catch(() => {}); // What could not be removed is tried again in an hour.
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
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
