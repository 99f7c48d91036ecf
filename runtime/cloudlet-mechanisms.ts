import type { Clock } from './sandbox/index.ts';
import type { Vms } from './vms.ts';

/** Mechanisms that every cloudlet has: a function is pushed, is here already, or is offered by the store. */
const ALWAYS: readonly string[] = ['push', 'cached', 'store'];
/** Those that need VMs, and a base VM to make others of. */
const WITH_VMS: readonly string[] = ['on-demand', 'synthesis'];

/** How long what was found holds, milliseconds: each status asks, and a base VM comes once. */
const FRESH_MS = 10_000;

/** Mechanisms of provisioning that work here now. */
export class Mechanisms {
  readonly #vms: Pick<Vms, 'images' | 'accelerator'>;
  readonly #clock: Clock;
  #found: { readonly atMs: number; readonly names: Promise<readonly string[]> } | null = null;

  constructor(vms: Pick<Vms, 'images' | 'accelerator'>, clock: Clock) {
    this.#vms = vms;
    this.#clock = clock;
  }

  /** Their names. */
  names(): Promise<readonly string[]> {
    if (this.#found === null || this.#clock.now() - this.#found.atMs > FRESH_MS)
      this.#found = { atMs: this.#clock.now(), names: this.#look() };
    return this.#found.names;
  }

  async #look(): Promise<readonly string[]> {
    const { images } = this.#vms;
    // First without QEMU: who has no base VM does not need to know whether one would run.
    const bases = (await images.stored()).filter(({ manifest }) => manifest.kind === 'base');
    if (bases.length === 0) return ALWAYS;
    const usable = (await images.list()).some(
      ({ manifest, unusable }) => manifest.kind === 'base' && unusable === null,
    );
    return usable ? [...ALWAYS, ...WITH_VMS] : ALWAYS;
  }
}
