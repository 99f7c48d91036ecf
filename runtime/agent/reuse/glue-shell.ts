import { p3Interfaces, RenewableWasi } from '../../wasi/index.ts';
import { type GlueState, STATE_IMPORT } from '../glue-state.ts';
import type { GuestComponent, InstantiateCore } from '../guest-component.ts';
import { LIFT_IMPORT, LiftBudget } from '../lift-budget.ts';

/** Turns of the event loop in which what an instance that is over has under way comes to its end, where it does at all. */
const MOST_TURNS = 8;

/** Shells that are kept for later: as many as there are instances at once. */
const MOST_KEPT = 2;

/** The glue of an asynchronous component as it was evaluated once, with its imports: makes one instance after another. */
export class GlueShell {
  readonly wasi = new RenewableWasi(p3Interfaces);
  readonly lift: LiftBudget;
  readonly state: GlueState = {};
  readonly #component: GuestComponent;
  #instantiateCore: InstantiateCore | null = null;

  constructor(component: GuestComponent) {
    this.#component = component;
    this.lift = new LiftBudget(component.message.valueBytes);
  }

  /** Makes an instance, whose core modules `instantiateCore` makes. */
  async instantiate(instantiateCore: InstantiateCore): Promise<unknown> {
    this.#instantiateCore = instantiateCore;
    this.state.ended = false;
    if (this.state.again !== undefined) return this.state.again();
    const imports = { ...this.wasi.imports, [LIFT_IMPORT]: this.lift, [STATE_IMPORT]: this.state };
    return this.#component.instantiate(imports, (module, given) => this.#instantiateCore!(module, given));
  }

  /**
   * Forgets its instance, so that it can make another; false while something of that is under way, which would go on in the next. One whose guest called
   * the host while nobody had called it never can.
   */
  clear(): boolean {
    if (this.wasi.missed || this.state.isQuiet?.() !== true) return false;
    this.state.clear!();
    this.state.died = undefined;
    this.#instantiateCore = null;
    this.lift.refill();
    return true;
  }
}

/** The shells of a component in one worker that no instance uses. */
export class GlueShells {
  readonly #component: GuestComponent;
  #kept: GlueShell[] = [];

  constructor(component: GuestComponent) {
    this.#component = component;
  }

  /** One for an instance: used before if there is one, since all that V8 learnt of its classes is theirs alone. */
  take(): GlueShell {
    return this.#kept.pop() ?? new GlueShell(this.#component);
  }

  /** Takes one whose instance is over; keeps it when nothing of that is under way any more. */
  giveBack(shell: GlueShell): void {
    this.#keepWhenQuiet(shell, MOST_TURNS);
  }

  #keepWhenQuiet(shell: GlueShell, turns: number): void {
    if (this.#kept.length >= MOST_KEPT) return;
    if (shell.clear()) this.#kept.push(shell);
    else if (turns > 0 && shell.state.isQuiet !== undefined)
      setImmediate(() => this.#keepWhenQuiet(shell, turns - 1)).unref();
  }
}
