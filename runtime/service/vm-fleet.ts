import { randomBytes } from 'node:crypto';
import {
  CloudletError,
  type Digest,
  type FunctionName,
  type ServiceInfo,
  type ServiceSpec,
} from '../../guest-sdk/protocol/index.ts';
import { systemClock } from '../sandbox/clock.ts';
import type { Vm } from '../vm/vm.ts';
import { ServiceLog } from './service-log.ts';
import type { ServiceStart } from './service-observer.ts';
import { ServiceVm } from './service-vm.ts';
import type { CompleteServicesOptions } from './services-options.ts';
import { type Place, VmAdmission } from './vm-admission.ts';

const MIB = 1024 ** 2;

/** What a VM runs. */
export interface VmContent {
  readonly image: Digest;
  readonly spec: ServiceSpec;
}

/** Who has a VM started, and whether others join it. */
export interface VmFor {
  readonly user: string;
  readonly mode: 'shared' | 'own';
}

/** How a VM is started that is no clone of an image; `expect` is told its memory before. */
export interface VmOpening {
  readonly via: Exclude<ServiceStart, 'running'>;
  readonly open: (start: { readonly id: string; readonly place: Place; readonly signal: AbortSignal }) => Promise<Vm>;
}

/** All VMs of all services, their logs and why the last ones failed. */
export class VmFleet {
  readonly admission: VmAdmission;
  readonly #options: CompleteServicesOptions;
  readonly #vms = new Map<FunctionName, Set<ServiceVm>>();
  readonly #logs = new Map<FunctionName, ServiceLog>();
  readonly #failures = new Map<FunctionName, NonNullable<ServiceInfo['failure']>>();
  #closed: Promise<unknown> | null = null;

  constructor(options: CompleteServicesOptions) {
    this.#options = options;
    this.admission = new VmAdmission(options.limits);
  }

  /** A service's VMs that are not gone, oldest first. */
  of(name: FunctionName): ServiceVm[] {
    return [...(this.#vms.get(name) ?? [])];
  }

  /** One of them; `not-found` when there is none of this id. */
  named(name: FunctionName, id: string): ServiceVm {
    const found = this.of(name).find((vm) => vm.parts.id === id && vm.alive);
    if (found !== undefined) return found;
    const known = this.of(name).map((vm) => vm.parts.id);
    throw new CloudletError(
      'not-found',
      `expected a VM of "${name}" (${known.join(', ') || 'none runs'}), got ${JSON.stringify(id)}`,
    );
  }

  /** The VM of this image that whoever joins uses, if there is one. */
  shared(name: FunctionName, image: Digest): ServiceVm | undefined {
    return this.of(name).findLast((vm) => vm.alive && vm.parts.mode === 'shared' && vm.image === image);
  }

  /** The VM that a user used last, its own before the shared ones, of whatever image. */
  usedBy(name: FunctionName, user: string): ServiceVm | undefined {
    const used = this.of(name).filter((vm) => vm.alive && vm.usedBy(user) !== null);
    const latest = used.sort((a, b) => a.usedBy(user)! - b.usedBy(user)!);
    return latest.findLast(({ parts }) => parts.mode === 'own') ?? latest.at(-1);
  }

  /** Begins a clone of an image for a user. */
  clone(name: FunctionName, content: VmContent, start: VmFor): ServiceVm {
    const { hold, restore } = this.#options.world;
    const { cpus, diskMib } = content.spec.limits;
    return this.begin(name, content, start, {
      via: 'cached',
      open: async ({ id, place, signal }) => {
        const held = await hold(content.image, signal);
        if (held === null) throw imageGone(name, content.image);
        place.onRelease(held.release);
        place.expect(held.image.conditions.memoryMib);
        return restore(held.image, { id, cpus, growthBytes: diskMib * MIB, signal });
      },
    });
  }

  /** Begins a VM; whoever wants it waits for `ready`. `at-capacity` when there is no room, `draining` at the end. */
  begin(name: FunctionName, { image, spec }: VmContent, { user, mode }: VmFor, { via, open }: VmOpening): ServiceVm {
    if (this.#closed !== null) throw drained();
    const { policy, world, bind, observer, changed, limits } = this.#options;
    const place = this.admission.admit(image, user);
    const id = `vm-${randomBytes(6).toString('hex')}`;
    const vm: ServiceVm = new ServiceVm({
      ...{ id, name, image, spec, mode, place, policy, bind, quietMs: limits.quietMs },
      network: world.network ?? {},
      clock: world.clock ?? systemClock,
      log: this.log(name),
      open: (signal) => open({ id, place, signal }),
      wentOut: (outcome) => observer.serviceWentOut?.({ name, outcome }),
      ready: (ms) => {
        observer.serviceVmStarted?.({ id, name, via, ms });
        changed(name);
      },
      ended: (cause, failure) => {
        this.#vms.get(name)?.delete(vm);
        if (failure !== null) this.#failed(name, id, failure);
        observer.serviceVmEnded?.({ id, name, cause, reason: failure?.message ?? null });
        changed(name);
      },
    });
    const vms = this.#vms.get(name) ?? new Set();
    this.#vms.set(name, vms.add(vm));
    changed(name);
    return vm;
  }

  /** A place for a VM that serves nobody yet, for who has it made. */
  reserve(image: Digest, memoryMib: number, user: string | null = null): Place {
    if (this.#closed !== null) throw drained();
    const place = this.admission.admit(image, user);
    try {
      place.expect(memoryMib);
      return place;
    } catch (error) {
      void place.release();
      throw error;
    }
  }

  /** A service's log. */
  log(name: FunctionName): ServiceLog {
    let log = this.#logs.get(name);
    if (log === undefined) {
      log = new ServiceLog(this.#options.limits.logBytes);
      this.#logs.set(name, log);
    }
    return log;
  }

  /** Why a service's last VM failed. */
  failure(name: FunctionName): ServiceInfo['failure'] {
    return this.#failures.get(name);
  }

  /** What is known of a service's failures is true no more. */
  forgive(name: FunctionName): void {
    this.#failures.delete(name);
  }

  /** Ends a service's VMs, and forgets its log. */
  async remove(name: FunctionName): Promise<void> {
    await Promise.all(this.of(name).map((vm) => vm.end('removed')));
    // Unless the name was given anew meanwhile.
    if (this.of(name).length > 0) return;
    this.#vms.delete(name);
    this.#failures.delete(name);
    this.#logs.get(name)?.close();
    this.#logs.delete(name);
  }

  /** Whether a VM of this image runs. */
  runs(image: Digest): boolean {
    return [...this.#vms.values()].some((vms) => [...vms].some((vm) => vm.image === image));
  }

  /** Ends all VMs, and begins no more. Idempotent; resolves when they are gone. */
  async close(): Promise<void> {
    this.#closed ??= Promise.all([...this.#vms.values()].flatMap((vms) => [...vms].map((vm) => vm.end('drain'))));
    await this.#closed;
    for (const log of this.#logs.values()) log.close();
  }

  #failed(name: FunctionName, id: string, { code, message }: CloudletError): void {
    this.log(name).add(id, 'host', message);
    this.#failures.set(name, { at: new Date().toISOString(), code, detail: message });
  }
}

function drained(): CloudletError {
  return new CloudletError('draining', 'the cloudlet is shutting down');
}

function imageGone(name: FunctionName, image: Digest): CloudletError {
  return new CloudletError(
    'not-found',
    `the VM image of "${name}" is not here any more (${image}); deploy the service again, or remove it: npx cloudlet vm rm ${name}`,
  );
}
