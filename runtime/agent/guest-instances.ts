import type { FileTree } from '../wasi/index.ts';
import type { FuelGauge } from './fuel.ts';
import type { GuestComponent } from './guest-component.ts';
import { GuestInstance } from './guest-instance.ts';
import type { Instances } from './instances.ts';

/** Failures in a row after which no more is made ahead of need. Those that were interrupted for an invocation's sake do not count. */
const MOST_FAILURES = 3;

/**
 * The instances of a component in one worker: at most one is kept ready, so that no caller waits for it to be made or cleaned.
 * Kept are only instances that asked the host for nothing while they were initialised. Whatever one learnt from the host then (random
 * numbers, the time, its environment) would be the same in every invocation that it serves, and in every clone of a machine whose
 * snapshot holds it.
 */
export class GuestInstances implements Instances {
  readonly #component: GuestComponent;
  #ready: GuestInstance | null = null;
  #preparing: Promise<void> | null = null;
  #failures = 0;

  constructor(component: GuestComponent) {
    this.#component = component;
  }

  /** Whether an invocation would not have to wait for an instance to be initialised. */
  get ready(): boolean {
    return this.#ready !== null;
  }

  /** Fresh files for one invocation. */
  files(check: () => void): FileTree {
    const { files, late } = this.#component;
    return files.tree((each, start, end) => late?.arrive(each, start, end, check));
  }

  /** An instance for one invocation: the one that is ready, else one that is not initialised yet. */
  take(): GuestInstance | Promise<GuestInstance> {
    if (this.#preparing !== null) return this.#preparing.then(() => this.take());
    const instance = this.#ready ?? new GuestInstance(this.#component);
    this.#ready = null;
    return instance;
  }

  /** Takes back an instance whose call returned; cleans it and keeps it if it is of a kind that can be. */
  giveBack(instance: GuestInstance): void {
    if (this.#ready === null && instance.reset()) this.#ready = instance;
  }

  /** What is left of it is garbage. */
  giveUp(): void {}

  /** Its instances are as new. */
  renew(): void {}

  /** Makes an instance ahead of need, if none is ready and the component allows it. Never rejects. */
  async prepare(fuel: FuelGauge): Promise<void> {
    if (this.#preparing !== null) return this.#preparing;
    if (this.#ready !== null || this.#failures >= MOST_FAILURES) return;
    this.#preparing = this.#make(fuel);
    await this.#preparing;
    this.#preparing = null;
  }

  async #make(fuel: FuelGauge): Promise<void> {
    const instance = new GuestInstance(this.#component);
    try {
      await instance.prepare(fuel);
      this.#ready = instance;
      this.#failures = 0;
    } catch {
      // It trapped, ran out of time, or asked the host. An invocation makes its own, and tells its caller if that fails as well.
      // Callers who leave in such moments must not be able to make it dearer for all others.
      if (fuel.why === null || fuel.isLate) this.#failures += 1;
    }
  }
}
