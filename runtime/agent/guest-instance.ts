import { instantiateMetered } from '../component/rewrite/metered-instance.ts';
import { PREVIEW1, RenewableWasi, type Wasi, type WasiBackend } from '../wasi/index.ts';
import type { FuelGauge } from './fuel.ts';
import { type GlueState, STATE_IMPORT } from './glue-state.ts';
import { type GuestComponent, isResettable } from './guest-component.ts';
import { InstanceImage } from './instance-image.ts';
import { InstanceMemories } from './instance-memories.ts';
import { LIFT_IMPORT, LiftBudget } from './lift-budget.ts';
import { commandGlue } from './preview1-command.ts';

/** One instance of a component with its WASI, for one invocation at a time. */
export class GuestInstance {
  /** Bounds what is copied out of its memories. */
  readonly lift: LiftBudget;
  readonly #component: GuestComponent;
  readonly #wasi = new RenewableWasi();
  readonly #state: GlueState = {};
  readonly #memories = new InstanceMemories();
  #fuel: FuelGauge | null = null;
  #exports: unknown = null;
  /** As it was after its initialisation; null when something in it cannot be put back. */
  #image: InstanceImage | null = null;

  constructor(component: GuestComponent) {
    this.#component = component;
    this.lift = new LiftBudget(component.message.valueBytes);
  }

  /**
   * Initialises it before there is an invocation: traps when it asks the host for anything. It remembers how it was then, so that it
   * can be `reset`, if it is of a kind that can.
   */
  async prepare(fuel: FuelGauge): Promise<void> {
    this.#fuel = fuel;
    const objects: unknown[] = [];
    let resettable = true;
    this.#exports = await this.#instantiate((module, given, instance) => {
      resettable &&= isResettable(module);
      // The glue's own globals are among what it gives.
      for (const name in given) objects.push(...Object.values(given[name]!));
      objects.push(...Object.values(instance.exports));
    });
    // A guest that catches the trap goes on without what it asked for: with a seed of its own, for instance, the same in all instances.
    if (this.#wasi.missed) throw new Error('the guest called the host while it was initialised');
    if (resettable && this.#state.reset !== undefined) this.#image = InstanceImage.of(objects);
  }

  get memoryBytes(): number {
    return this.#memories.bytes;
  }

  get memoryRefused(): boolean {
    return this.#memories.refused;
  }

  /** Lets it serve an invocation. */
  begin(backend: WasiBackend, fuel: FuelGauge): Wasi {
    this.#fuel = fuel;
    return this.#wasi.renew(backend, fuel.checkpoint);
  }

  /** What it exports; unless it was prepared it is initialised now, at the cost of the invocation that has begun. */
  exports(): unknown {
    return this.#exports ?? this.#instantiate(() => {});
  }

  /**
   * Makes it what it was after its initialisation: memories, globals, handles. False when it cannot, and must not be used again.
   * Only after a call that returned: what is suspended or was cut off inside would go on in the next invocation.
   */
  reset(): boolean {
    this.#wasi.vacate();
    if (this.#image === null || !this.#image.restore()) return false;
    this.#state.reset!();
    this.lift.refill();
    return true;
  }

  #instantiate(note: Note): Promise<unknown> {
    // One function for the whole life of the instance: its modules keep it.
    const checkpoint = () => this.#fuel!.checkpoint();
    const imports = {
      ...this.#wasi.imports,
      [LIFT_IMPORT]: this.lift,
      [STATE_IMPORT]: this.#state,
      [PREVIEW1]: commandGlue(this.#wasi.imports, this.#state),
    };
    return this.#component.instantiate(imports, (module, given) => {
      const made = instantiateMetered(module, given, checkpoint);
      const noted = (instance: WebAssembly.Instance) => {
        this.#memories.add(instance);
        note(module, given, instance);
        return instance;
      };
      return made instanceof Promise ? made.then(noted) : noted(made);
    });
  }
}

/** Is told of every core instance with what it was given; the glue leaves that out when there is nothing. */
type Note = (
  module: WebAssembly.Module,
  given: WebAssembly.Imports | undefined,
  instance: WebAssembly.Instance,
) => void;
