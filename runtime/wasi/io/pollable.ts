import type { Context, Readiness } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';

/** What looking at one pollable is worth of the host's work, in bytes that it could have copied. */
const POLL_WORK_BYTES = 1024;

/** `wasi:io/poll`'s resource `pollable`. It does not keep its parent alive; after the parent's end it is ready. */
export class Pollable {
  #context: Context | null;
  readonly #readiness: Readiness;

  constructor(context: Context, readiness: Readiness) {
    context.retain();
    this.#context = context;
    this.#readiness = readiness;
  }

  ready(): boolean {
    return this.#readiness.ready;
  }

  block(): Promise<void> | undefined {
    const context = this.#alive();
    if (!this.#readiness.ready) return context.untilAny([this.#readiness]);
    return context.owesTurn ? context.takeTurn() : undefined;
  }

  /** `wasi:io/poll#poll`: the indexes of what is ready, at least one; a promise when none is yet. */
  static poll(context: Context, pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
    if (pollables.length === 0) throw new GuestTrap('poll needs at least one pollable, got an empty list');
    const limit = context.backend.limits.pollList;
    if (pollables.length > limit) {
      throw new GuestTrap(`poll takes at most ${limit} pollables, got ${pollables.length}`, 'pollList');
    }
    context.worked(pollables.length * POLL_WORK_BYTES);
    const things = pollables.map((pollable) => pollable.#readiness);
    const ready = readyIndexes(things);
    if (ready.length === 0) return context.untilAny(things).then(() => readyIndexes(things));
    if (!context.owesTurn) return ready;
    return context
      .takeTurn()
      .then(() => context.untilAny(things))
      .then(() => readyIndexes(things));
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }

  #alive(): Context {
    if (this.#context === null) throw new GuestTrap('the pollable was dropped');
    return this.#context;
  }
}

/** Ready from the start and for ever. */
export const ALWAYS_READY: Readiness = {
  ready: true,
  listen(wake) {
    wake();
    return () => {};
  },
};

function readyIndexes(things: readonly Readiness[]): Uint32Array {
  const indexes: number[] = [];
  for (const [index, thing] of things.entries()) if (thing.ready) indexes.push(index);
  return Uint32Array.from(indexes);
}
