import type { FileTree } from '../../wasi/index.ts';
import type { FuelGauge } from '../fuel.ts';
import type { GuestComponent } from '../guest-component.ts';
import type { Instance, Instances } from '../instances.ts';
import type { InvokeMessage, ReuseLimits } from '../wire.ts';
import { GlueShells } from './glue-shell.ts';
import { SharedCpuTime } from './shared-cpu-time.ts';
import { SharedInstance } from './shared-instance.ts';

/** Instances of one worker that exist at once beside those that run alone: each has the memory of the grant. Who comes meanwhile waits. */
const MOST_INSTANCES = 2;

/** Failures in a row after which none is made ahead of need. */
const MOST_FAILURES = 3;

/**
 * The instances of an asynchronous component in one worker. Each serves many invocations, some of them at once, so one can see what another
 * left in it: that is how such components are meant to be used. It serves no more after its number of invocations, after a while without
 * any, and after one that did not return: a trap, an interruption, an exit. Commands, rehearsals and trials run alone, in an instance of their own.
 */
export class SharedInstances implements Instances {
  readonly #component: GuestComponent;
  readonly #shells: GlueShells;
  readonly #limits: ReuseLimits;
  readonly #newGauge: () => FuelGauge;
  readonly #cpuTime: SharedCpuTime;
  #instances: SharedInstance[] = [];
  #waiting: (() => void)[] = [];
  #preparing: Promise<void> | null = null;
  #idle: NodeJS.Timeout | null = null;
  #failures = 0;

  /** `newGauge` is for instances that are made while nobody waits; `cpuTime` is that of the worker, for all who run in it. */
  constructor(
    component: GuestComponent,
    limits: ReuseLimits,
    newGauge: () => FuelGauge,
    cpuTime: SharedCpuTime = new SharedCpuTime(),
  ) {
    this.#component = component;
    this.#shells = new GlueShells(component);
    this.#limits = limits;
    this.#newGauge = newGauge;
    this.#cpuTime = cpuTime;
  }

  /** Instances that exist, beside those that run alone. */
  get count(): number {
    return this.#instances.length;
  }

  /** Of an instance, in truth: those of its first invocation stay. */
  files(): FileTree {
    const { files, late } = this.#component;
    // The invocation that made it may be over while another waits, and all of the worker with it: who is interrupted costs the worker.
    return files.tree((each, start, end) => late?.arrive(each, start, end, () => {}));
  }

  async take({ door, rehearsal }: Pick<InvokeMessage, 'door' | 'rehearsal'>): Promise<SharedInstance> {
    if (door === 'run' || door === 'start' || rehearsal === true) return this.#enter(this.#alone());
    for (;;) {
      if (this.#preparing !== null) await this.#preparing;
      const open = this.#instances.find((each) => !each.retired && each.running < this.#limits.atOnce);
      if (open !== undefined) return this.#enter(open);
      if (this.#instances.length < MOST_INSTANCES) {
        const made = new SharedInstance(this.#shells, this.#cpuTime);
        this.#instances.push(made);
        return this.#enter(made);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  giveBack(instance: Instance): void {
    this.#leave(instance as SharedInstance);
  }

  giveUp(given: Instance, reason: string | null): void {
    const instance = given as SharedInstance;
    instance.retired = true;
    if (reason !== null || instance.ended) instance.die(reason ?? 'the function was ended in the middle of its work');
    this.#leave(instance);
  }

  get ready(): boolean {
    return this.#instances.some((each) => !each.retired);
  }

  async prepare(fuel: FuelGauge): Promise<void> {
    if (this.#preparing !== null) return this.#preparing;
    if (this.#failures >= MOST_FAILURES || this.ready) return;
    if (this.#instances.length >= MOST_INSTANCES) return;
    this.#preparing = this.#make(fuel);
    await this.#preparing;
    this.#preparing = null;
    this.#wake();
  }

  renew(): void {
    for (const instance of [...this.#instances]) {
      if (instance.served === 0) continue;
      instance.retired = true;
      if (instance.running === 0) this.#drop(instance);
    }
  }

  #alone(): SharedInstance {
    const instance = new SharedInstance(this.#shells, this.#cpuTime);
    instance.retired = true;
    return instance;
  }

  #enter(instance: SharedInstance): SharedInstance {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    instance.served += 1;
    instance.running += 1;
    if (instance.served >= this.#limits.invocations) instance.retired = true;
    return instance;
  }

  #leave(instance: SharedInstance): void {
    instance.running -= 1;
    if (instance.ended) instance.retired = true;
    if (instance.retired && instance.running === 0) this.#drop(instance);
    else if (instance.running === 0) this.#awaitUse();
    this.#wake();
  }

  #drop(instance: SharedInstance): void {
    this.#instances = this.#instances.filter((each) => each !== instance);
    instance.end();
  }

  /** Lets go of what nobody uses for a while: its memory is that of whatever it served last. */
  #awaitUse(): void {
    if (this.#instances.some((each) => each.running > 0)) return;
    this.#idle = setTimeout(() => {
      this.#idle = null;
      this.renew();
      void this.prepare(this.#newGauge());
    }, this.#limits.idleMs);
    this.#idle.unref();
  }

  async #make(fuel: FuelGauge): Promise<void> {
    const instance = new SharedInstance(this.#shells, this.#cpuTime);
    try {
      await instance.prepare(fuel);
      this.#instances.push(instance);
      this.#failures = 0;
    } catch {
      instance.end();
      // As in `GuestInstances`: an invocation makes its own, and tells its caller if that fails as well.
      if (fuel.why === null || fuel.isLate) this.#failures += 1;
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
