import wasiPoll, { type Pollable } from 'wasi:io/poll@0.2.12';
import { enqueue, runJobs, TaskPromise } from './task-promise.ts';

interface Wait {
  readonly pollable: Pollable;
  readonly ready: () => void;
}

let waits: Wait[] = [];

/** Calls `ready` in a job of its own once the host says that the pollable is; gives a function that stops waiting. */
export function onReady(pollable: Pollable, ready: () => void): () => void {
  const wait = { pollable, ready };
  waits.push(wait);
  return () => {
    if (!waits.includes(wait)) return;
    waits = waits.filter((other) => other !== wait);
    pollable[Symbol.dispose]();
  };
}

/** A promise that is fulfilled once the host says that the pollable is ready. */
export function untilReady(pollable: Pollable): TaskPromise<void> {
  return new TaskPromise((resolve) => onReady(pollable, resolve));
}

/**
 * Runs the program until what `work` began has ended, and gives its result or throws its error.
 * While there is nothing to run, the host waits for all pollables at once. Timers that are still pending at the end are dropped.
 */
export function runToEnd<T>(work: () => T | PromiseLike<T>): T {
  const task = TaskPromise.try(work);
  for (;;) {
    runJobs();
    const { outcome } = task;
    if (outcome?.kind === 'fulfilled') return outcome.value;
    if (outcome?.kind === 'rejected') throw outcome.reason;
    if (waits.length === 0) throw new Error('the function waits for a promise that nothing can settle any more');
    wake();
  }
}

function wake(): void {
  const ready = new Set(wasiPoll.poll(waits.map((wait) => wait.pollable)));
  const woken = waits.filter((_, at) => ready.has(at));
  waits = waits.filter((_, at) => !ready.has(at));
  for (const wait of woken) {
    wait.pollable[Symbol.dispose]();
    enqueue(wait.ready);
  }
}
