import { createWasi, DEFAULT_LIMITS, discardSink, emptySource, GuestTrap, type WasiBackend } from '../wasi/index.ts';
import type { FuelGauge } from './fuel.ts';
import type { GuestComponent } from './guest-component.ts';
import { type GuestImports, GuestInstance } from './guest-instance.ts';
import { LIFT_IMPORT, LiftBudget } from './lift-budget.ts';

/** Attempts after which no more is made ahead of need. One may have been interrupted for another's sake; more in a row are the component's. */
const MOST_FAILURES = 3;

/**
 * The instances of a component in one worker: at most one is kept ready, so that no caller waits for it to be made or cleaned.
 * Kept are only instances that called nothing of the host while they were initialised. Whatever an instance learnt from the host then
 * (random numbers, the time, its environment) would be the same in every invocation that it serves, and in every clone of a
 * machine whose snapshot holds it.
 */
export class GuestInstances {
  readonly #component: GuestComponent;
  #ready: GuestInstance | null = null;
  #preparing: Promise<void> | null = null;
  #failures = 0;

  constructor(component: GuestComponent) {
    this.#component = component;
  }

  /** Whether an invocation would not have to wait for an instance. */
  get ready(): boolean {
    return this.#ready !== null;
  }

  /** An instance for one invocation: the one that is ready, else a new one, which the caller's fuel has to initialise. */
  take(imports: GuestImports, fuel: FuelGauge): GuestInstance | Promise<GuestInstance> {
    if (this.#preparing !== null) return this.#preparing.then(() => this.take(imports, fuel));
    const instance = this.#ready;
    if (instance === null) return GuestInstance.make(this.#component, imports, fuel);
    this.#ready = null;
    instance.bind(imports, fuel);
    return instance;
  }

  /** Takes back an instance whose call returned; cleans it and keeps it if it is of a kind that can be. */
  giveBack(instance: GuestInstance): void {
    if (this.#ready === null && instance.reset()) this.#ready = instance;
  }

  /** Makes an instance ahead of need, if none is ready and the component allows it. Never rejects. */
  async prepare(fuel: FuelGauge): Promise<void> {
    if (this.#ready !== null || this.#preparing !== null || this.#failures >= MOST_FAILURES) return;
    this.#preparing = this.#make(fuel);
    await this.#preparing;
    this.#preparing = null;
  }

  async #make(fuel: FuelGauge): Promise<void> {
    try {
      const instance = await GuestInstance.make(this.#component, refusingImports(), fuel, true);
      if (instance.rebindable) this.#ready = instance;
    } catch {
      // It trapped, ran out of time, or called the host. An invocation makes its own, and tells its caller if that fails as well.
    }
    this.#failures = this.#ready === null ? this.#failures + 1 : 0;
  }
}

/** WASI of which every function, constructor and static method traps. */
function refusingImports(): GuestImports {
  const { imports } = createWasi(NOTHING);
  const refusing: Record<string, unknown> = { [LIFT_IMPORT]: new LiftBudget(0) };
  for (const [name, members] of Object.entries(imports)) {
    refusing[name] = Object.fromEntries(Object.entries(members).map(([member, value]) => [member, refused(value)]));
  }
  return refusing;
}

/** A stand-in with the same prototype, which is all that the glue may look at before it calls. */
function refused(value: unknown): unknown {
  if (typeof value !== 'function') return value;
  const refuse = (): never => {
    throw new GuestTrap('an instance that is made ahead of its invocation called the host');
  };
  return new Proxy(value, {
    apply: refuse,
    construct: refuse,
    get: (target, key) => (key === 'prototype' || typeof key === 'symbol' ? Reflect.get(target, key) : refuse),
  });
}

const NOTHING: WasiBackend = {
  environment: [],
  arguments: [],
  stdin: emptySource,
  stdout: discardSink,
  stderr: discardSink,
  clock: { wallMs: () => 0, monotonicNs: () => 0n, timer: () => () => {} },
  random: () => {},
  files: null,
  limits: DEFAULT_LIMITS,
};
