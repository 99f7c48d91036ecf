import { instantiateMetered } from '../../component/rewrite/metered-instance.ts';
import type { Wasi, WasiBackend } from '../../wasi/index.ts';
import type { FuelGauge } from '../fuel.ts';
import { describeTrap } from '../guest-failure.ts';
import { InstanceMemories } from '../instance-memories.ts';
import type { Instance } from '../instances.ts';
import type { LiftBudget } from '../lift-budget.ts';
import type { GlueShell, GlueShells } from './glue-shell.ts';
import { SharedBackend } from './shared-backend.ts';
import type { SharedCpuTime } from './shared-cpu-time.ts';
import { SharedFuel } from './shared-fuel.ts';

/** Turns of the event loop in which a guest that has answered may come to the end of its tasks. */
const TIDYING_TURNS = 20;

/** Before that, so many ticks: most of what a guest has left to do comes in those, and the instance after it wants the glue. */
const TIDYING_TICKS = 8;

/** One instance of an asynchronous component with its operating system, for many invocations, of which some run at once. */
export class SharedInstance implements Instance {
  /** Invocations that were let in, and those of them that are not over: counted by who lets them in. */
  served = 0;
  running = 0;
  /** It lets nobody in any more. */
  retired = false;
  readonly #shells: GlueShells;
  readonly #shell: GlueShell;
  readonly #memories = new InstanceMemories();
  readonly #fuel: SharedFuel;
  /** Of the invocations that run. */
  readonly #died = new Set<(reason: string) => void>();
  #exports: Promise<unknown> | null = null;
  #made = false;
  #dead = false;
  #backend: SharedBackend | null = null;
  #system: Wasi | null = null;

  /** `shells` and `cpuTime` are those of its worker. */
  constructor(shells: GlueShells, cpuTime: SharedCpuTime) {
    this.#shells = shells;
    this.#shell = shells.take();
    this.#fuel = new SharedFuel(cpuTime);
    // Later: whoever it belongs to hears it by its own call first.
    this.#shell.state.died = (error) => void setImmediate(() => this.die(describeTrap(error)));
  }

  get lift(): LiftBudget {
    return this.#shell.lift;
  }

  /** It is done for: whom it serves hears of it. */
  die(reason: string): void {
    this.retired = true;
    this.#dead = true;
    for (const died of this.#died) died(reason);
  }

  get memoryBytes(): number {
    return this.#memories.bytes;
  }

  get memoryRefused(): boolean {
    return this.#memories.refused;
  }

  /** Whether its guest was ended at a checkpoint. */
  get ended(): boolean {
    return this.#fuel.over;
  }

  /** Initialises it before there is an invocation; fails when it asks the host for anything meanwhile, as `GuestInstance.prepare` does. */
  async prepare(fuel: FuelGauge): Promise<void> {
    this.#fuel.join(fuel);
    this.#exports = this.#instantiate();
    try {
      await this.#exports;
    } finally {
      this.#fuel.leave(fuel);
    }
    if (this.#shell.wasi.missed) throw new Error('the guest called the host while it was initialised');
  }

  begin(backend: WasiBackend, fuel: FuelGauge, died: (reason: string) => void): Wasi {
    this.#fuel.join(fuel);
    this.#died.add(died);
    if (this.#backend === null) {
      this.#backend = new SharedBackend(backend);
      this.#system = this.#shell.wasi.renew(this.#backend);
    } else {
      this.#backend.enter(backend);
    }
    this.lift.refill();
    const end = () => {
      this.#fuel.leave(fuel);
      this.#died.delete(died);
      this.#backend!.leave(backend);
    };
    return new SharedSession(this.#system!, end);
  }

  exports(): Promise<unknown> {
    this.#exports ??= this.#instantiate();
    return this.#exports;
  }

  /** Nobody uses it any more: what its guest still does for its last invocation ends, then its waits and timers, and the rest of it. */
  end(): void {
    this.#end(this.#made && !this.#dead ? TIDYING_TICKS + TIDYING_TURNS : 0);
  }

  #end(turns: number): void {
    const { state } = this.#shell;
    if (turns > 0 && !this.#fuel.over && state.isQuiet?.() === false) {
      const again = () => this.#end(turns - 1);
      if (turns > TIDYING_TURNS) process.nextTick(again);
      else setImmediate(again);
      return;
    }
    state.ended = true;
    this.#fuel.end();
    this.#system?.close();
    this.#shell.wasi.vacate();
    // One whose instance was never made to the end may still be making it.
    if (this.#exports === null || this.#made) this.#shells.giveBack(this.#shell);
  }

  async #instantiate(): Promise<unknown> {
    const exports = await this.#shell.instantiate(async (module, given) => {
      const instance = await instantiateMetered(module, given, this.#fuel.checkpoint);
      this.#memories.add(instance);
      return instance;
    });
    this.#made = true;
    return exports;
  }
}

/** What one invocation has of an operating system that others use as well. */
class SharedSession implements Wasi {
  readonly #system: Wasi;
  #end: (() => void) | null;

  constructor(system: Wasi, end: () => void) {
    this.#system = system;
    this.#end = end;
  }

  get imports(): Wasi['imports'] {
    return this.#system.imports;
  }

  get handles(): number {
    return this.#system.handles;
  }

  incoming(...args: Parameters<Wasi['incoming']>): ReturnType<Wasi['incoming']> {
    return this.#system.incoming(...args);
  }

  handle(...args: Parameters<Wasi['handle']>): ReturnType<Wasi['handle']> {
    return this.#system.handle(...args);
  }

  outputsWritten(): Promise<void> {
    return this.#system.outputsWritten();
  }

  /** The invocation is over, the instance goes on. */
  close(): void {
    this.#end?.();
    this.#end = null;
  }
}
