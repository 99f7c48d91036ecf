import { SHORT_MS } from '../channel/call-turns.ts';
import { MOST_AHEAD } from '../channel/line-choice.ts';

/** A sandbox's use of processors over a while. Units: whole processors. */
export interface WidthSample {
  /** Invocations that it is given at once now, and at most. */
  readonly width: number;
  readonly most: number;
  /** Processors that it has, and how many its threads ran on or were ready to. */
  readonly processors: number;
  readonly need: number;
  /** Processors of this computer that nobody used. */
  readonly idle: number;
  /** Invocations that ended in it, and how many of its guests ran at once, on the average. */
  readonly ended: number;
  readonly running: number;
  /** How long one took on the average, milliseconds. */
  readonly runMs: number;
}

/** Share of its processors above which a sandbox computes without pause, and of its places below which they wait for something else. */
const FULL = 0.9;
const WAITS = 0.7;
/** Share of its places in which guests run, below which those are taken by the ways to and from them. */
const ON_THE_WAY = 0.5;
/** Invocations for each place, in which that shows: those that are long may have begun long before they end. */
const MANY = 8;
/** Those that take less than this share of what a sandbox takes for short are so for it as well, which has an average of its own. */
const SURELY = 0.5;
/** Less than this of a processor is what is left between two that compute. */
const SPARE = 0.25;
/** One more sandbox takes about one. */
const ONE_MORE = 0.75;

/**
 * How many invocations a sandbox should be given at once when others wait for a place: at least as many as it has processors. More only slow
 * each other down while they compute, and each worker that takes one has code of its own to compile; those that wait for a store or a peer
 * leave the processor to others. Short ones take no more workers: as many are given to it as it sends ahead to those that have a processor. Pure.
 */
export function nextWidth(sample: WidthSample): number {
  const { width, most, processors, need, idle } = sample;
  if (need < WAITS * Math.min(width, processors)) return Math.min(most, width * 2);
  const least = isShort(sample) ? fairWidth(processors) : processors;
  const isCrowded = idle < SPARE || need >= FULL * processors;
  return Math.min(most, Math.max(least, isCrowded ? width - 1 : width));
}

/** Less than this of a processor is too little for one more that takes over what waits within another. */
const HALF = 0.5;

/** Short invocations that one is given at once while another serves, too: those that run, and those that are sent ahead. */
export function fairWidth(processors: number): number {
  return processors * (1 + MOST_AHEAD);
}

/** Whether one more sandbox would take over short invocations that wait within those there are, which compute without pause, and find a processor for them. Pure. */
export function isOverfull(sample: WidthSample): boolean {
  const { processors, need, idle } = sample;
  return isShort(sample) && Number.isFinite(need) && need >= FULL * processors && idle >= HALF;
}

/** Whether its invocations are sent ahead, and so run in no more workers than it has processors, whatever its width. */
function isShort({ ended, runMs }: WidthSample): boolean {
  return ended >= MANY && runMs < SURELY * SHORT_MS;
}

/**
 * Whether one more sandbox would take its processor time from those that there are, or have nothing to do: where invocations are short, their places are
 * taken until this process has read one answer and written the next, and it would have to do that for the other sandbox as well. Pure.
 */
export function isComputerFull(sample: WidthSample): boolean {
  const { width, processors, need, idle, ended, running } = sample;
  const places = Math.min(width, processors);
  // What it does around its guests, making instances for example, may keep it busy as well; another would have processors for that. After one window that is not known.
  const isBusy = idle >= ONE_MORE && need >= FULL * places && Number.isFinite(need);
  if (!isBusy && ended >= MANY * width && running < ON_THE_WAY * (isShort(sample) ? places : width)) return true;
  return idle < ONE_MORE && need >= WAITS * places;
}
