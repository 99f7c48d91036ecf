import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { FairPlaces } from './fair-places.ts';

const MIB = 1024 ** 2;
/** VMs that one user may have started, his own and those that others join, for each place that is left: three quarters when nobody else has any. */
const OWN_SHARE = 3;
const STOP_ONE = 'stop one: npx cloudlet vm stop NAME';
const RETRY_AFTER_S = 10;
/** What QEMU takes beside the guest's memory, about. */
const BESIDE_BYTES = 64 * MIB;

/** Images whose cost is remembered. */
const MAX_REMEMBERED = 1000;

/** What all service VMs may take. */
export interface AdmissionLimits {
  /** VMs at once. */
  readonly vms: number;
  /** Their private memory together, bytes. */
  readonly bytes: number;
}

/** A VM's place among those that may run. */
export interface Place {
  /** What it costs as measured last, bytes. */
  readonly bytes: number;
  /** Says how much memory the guest has, before it is started; `at-capacity` when that is too much now. */
  expect(memoryMib: number): void;
  measure(bytes: number): void;
  /** Whose it is. */
  readonly owner: string | null;
  /** Whoever had it uses it no more, and another does: it counts for him. */
  passTo(user: string): void;
  /** Has something let go with the VM. */
  onRelease(letGo: () => Promise<void>): void;
  /** The VM is gone. Idempotent. */
  release(): Promise<void>;
}

/** Lets VMs in while there is room, by what they cost as measured; of one that is not measured yet, what the last of its image did. */
export class VmAdmission {
  readonly limits: AdmissionLimits;
  readonly #held = new Map<object, number>();
  readonly #places: FairPlaces;
  /** What the last VM of an image took, of the latest images. */
  readonly #measured = new Map<Digest, number>();

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
    this.#places = new FairPlaces({
      ...{ limit: limits.vms, share: OWN_SHARE, what: 'service VMs at once' },
      ...{ remedy: STOP_ONE, retryAfterS: RETRY_AFTER_S },
    });
  }

  get vms(): number {
    return this.#held.size;
  }

  /** What all of them cost, bytes. */
  get bytes(): number {
    return [...this.#held.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * A place for a VM of this image; `at-capacity` when there is none, or `owner` has its share: who starts it; null for nobody. Leases are kept:
   * nobody else's VM ends for it.
   */
  admit(image: Digest, owner: string | null = null): Place {
    const { leave, passTo } = this.#places.hold(owner);
    let holder = owner;
    const vm = {};
    const held = this.#held;
    const releases = new Set<() => Promise<void>>();
    held.set(vm, 0);
    return {
      get bytes() {
        return held.get(vm) ?? 0;
      },
      get owner() {
        return holder;
      },
      passTo: (user) => {
        passTo(user);
        holder = user;
      },
      expect: (memoryMib) => {
        const expected = this.#measured.get(image) ?? BESIDE_BYTES + (memoryMib * MIB) / 2;
        this.#checkRoom(expected);
        if (held.has(vm)) held.set(vm, expected);
      },
      measure: (measured) => {
        if (!held.has(vm)) return;
        held.set(vm, measured);
        this.#measured.delete(image);
        this.#measured.set(image, measured);
        if (this.#measured.size > MAX_REMEMBERED) this.#measured.delete(this.#measured.keys().next().value!);
      },
      onRelease: (letGo) => {
        if (held.has(vm)) releases.add(letGo);
        else void letGo();
      },
      release: async () => {
        held.delete(vm);
        leave();
        const all = [...releases];
        releases.clear();
        await Promise.all(all.map((letGo) => letGo()));
      },
    };
  }

  #checkRoom(expected: number): void {
    const { bytes } = this.limits;
    if (this.bytes + expected <= bytes) return;
    throw full(
      `a VM of this service takes about ${inMib(expected)}, and ${inMib(bytes - this.bytes)} of ${inMib(bytes)} are left`,
    );
  }
}

function full(why: string): CloudletError {
  return new CloudletError('at-capacity', `${why}; ${STOP_ONE}`, { retryAfterS: RETRY_AFTER_S });
}

function inMib(bytes: number): string {
  return `${Math.max(0, Math.round(bytes / MIB))} MiB`;
}
