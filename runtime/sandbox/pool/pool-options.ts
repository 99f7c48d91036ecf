import { availableParallelism } from 'node:os';
import { idleProcessorNs } from '../../machine/processor-need.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { SandboxSource } from '../sandbox-source.ts';
import type { PoolObserver } from './pool-observer.ts';

/** What bounds a pool and how patient it is. Units in the names. */
export interface PoolLimits {
  /** Sandboxes at once. */
  readonly machines: number;
  /** Sandboxes of one version at once. */
  readonly sandboxes: number;
  /** Starts at once: more than there are processors halve each other's speed. */
  readonly starts: number;
  /** Private memory of all sandboxes together, bytes. */
  readonly memoryBytes: number;
  /** Invocations of one version that may wait for a place. */
  readonly queueLength: number;
  /** How long one may wait, milliseconds. */
  readonly queueMs: number;
  /** How long one waits before a further sandbox is started for its version, milliseconds. */
  readonly patienceMs: number;
  /** After how long without an invocation a sandbox is paused, milliseconds. */
  readonly parkMs: number;
  /** After how long without an invocation a sandbox is closed, milliseconds. */
  readonly idleMs: number;
  /** Paused sandboxes that are kept beyond those in use for a version that lately needed more than it had. */
  readonly prestarted: number;
  /** What `lately` means, milliseconds. */
  readonly demandMs: number;
  /** How long a version keeps its only sandbox, at least, before it leaves it to one that has none, milliseconds. */
  readonly turnMs: number;
  /** How often the memory of sandboxes that work is measured, milliseconds. */
  readonly measureMs: number;
  /** Time that processors were idle; see `idleProcessorNs`. */
  readonly idleProcessorNs: () => number;
  /** A function's share of what is scarce, by its name, beside the others'. */
  readonly weight: (program: string) => number;
}

/** How a pool is made; a limit that is left out has its default. */
export interface PoolOptions extends Partial<PoolLimits> {
  readonly source: Pick<SandboxSource, 'start' | 'prepare' | 'forget'>;
  readonly clock?: Clock;
  readonly observer?: PoolObserver;
}

/** A pool's options with nothing left out. */
export type CompletePoolOptions = Required<PoolOptions>;

/** The part of what is free when a pool is made that its sandboxes may take; the rest is for caches, bodies and everybody else. */
const MEMORY_SHARE = 0.75;

/** Puts the defaults in. */
export function completeOptions(options: PoolOptions): CompletePoolOptions {
  const processors = availableParallelism();
  return {
    machines: 256,
    sandboxes: Math.max(2, processors),
    starts: processors,
    memoryBytes: process.availableMemory() * MEMORY_SHARE,
    queueLength: 64,
    // Under emulation on a busy computer a first call waits for the base image and a boot: that may take a minute, and is no
    // reason to send it away.
    queueMs: 120_000,
    patienceMs: 100,
    parkMs: 1_000,
    idleMs: 600_000,
    prestarted: 1,
    demandMs: 60_000,
    turnMs: 1_000,
    measureMs: 5_000,
    idleProcessorNs,
    weight: () => 1,
    clock: systemClock,
    observer: {},
    ...options,
  };
}
