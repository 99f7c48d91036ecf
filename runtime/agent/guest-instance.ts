import { instantiateMetered, RESETTABLE_SECTION } from '../component/rewrite/metered-instance.ts';
import type { FuelGauge } from './fuel.ts';
import { type GlueState, STATE_IMPORT } from './glue-state.ts';
import type { GuestComponent } from './guest-component.ts';
import { InstanceImage } from './instance-image.ts';

/** What a glue takes as imports. */
export type GuestImports = Readonly<Record<string, unknown>>;

/** One instance of a component, for one invocation at a time. */
export class GuestInstance {
  readonly exports: unknown;
  readonly #state: GlueState;
  readonly #seat: Seat;
  /** As it was after its initialisation; null when something in it cannot be put back. */
  readonly #image: InstanceImage | null;

  private constructor(exports: unknown, state: GlueState, seat: Seat, image: InstanceImage | null) {
    this.exports = exports;
    this.#state = state;
    this.#seat = seat;
    this.#image = image;
  }

  /**
   * Makes a new instance and initialises it with these imports and this fuel. With `kept` it remembers how it was then, so that it
   * can be `reset`, if it is of a kind that can.
   */
  static async make(
    component: GuestComponent,
    imports: GuestImports,
    fuel: FuelGauge,
    kept = false,
  ): Promise<GuestInstance> {
    const state: GlueState = {};
    const seat: Seat = { fuel };
    // One function for the whole life of the instance: its modules keep it.
    const checkpoint = () => seat.fuel.checkpoint();
    const objects: unknown[] = [];
    let resettable = kept;
    const exports = await component.instantiate({ ...imports, [STATE_IMPORT]: state }, (module, given) => {
      const made = instantiateMetered(module, given, checkpoint);
      if (!resettable) return made;
      resettable = WebAssembly.Module.customSections(module, RESETTABLE_SECTION).length > 0;
      // The host's own globals are among the imports.
      for (const name in given) objects.push(...Object.values(given[name]!));
      const noted = (instance: WebAssembly.Instance): WebAssembly.Instance => {
        objects.push(...Object.values(instance.exports));
        return instance;
      };
      return made instanceof Promise ? made.then(noted) : noted(made);
    });
    const image = resettable && state.reset !== undefined ? InstanceImage.of(objects) : null;
    return new GuestInstance(exports, state, seat, image);
  }

  /** Whether it can serve with other imports than it was made with. */
  get rebindable(): boolean {
    return this.#state.bind !== undefined;
  }

  /** Lets it serve an invocation with its imports and its fuel. */
  bind(imports: GuestImports, fuel: FuelGauge): void {
    this.#state.bind!(imports);
    this.#seat.fuel = fuel;
  }

  /**
   * Makes it what it was after its initialisation: memories, globals, handles. False when it cannot, and must not be used again.
   * Only after a call that returned: what is suspended or was cut off inside would go on in the next invocation.
   */
  reset(): boolean {
    if (this.#image === null || !this.#image.restore()) return false;
    this.#state.reset!();
    return true;
  }
}

/** Whose fuel an instance burns. */
interface Seat {
  fuel: FuelGauge;
}
