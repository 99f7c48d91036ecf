import * as v from 'valibot';
import {
  CloudletError,
  type Digest,
  type FunctionName,
  type LogLine,
  type ServiceInfo,
  ServiceSpec,
  type ServicesStatus,
  type ServiceVmInfo,
} from '../../guest-sdk/protocol/index.ts';
import type { RegisteredService } from '../store/index.ts';
import type { Vm } from '../vm/vm.ts';
import { type EnteredVm, entering, served, started } from './entered-vm.ts';
import { exchange, type ServiceAnswer, type ServiceRequest } from './http-exchange.ts';
import type { ServiceLogOptions } from './service-log.ts';
import type { ServiceVm } from './service-vm.ts';
import { type CompleteServicesOptions, completeServices, type ServicesOptions } from './services-options.ts';
import type { Place } from './vm-admission.ts';
import { VmFleet } from './vm-fleet.ts';

/** Who asks for a service. */
export interface ServiceCaller {
  /** A session or a device, by a name that tells nothing of its secret. */
  readonly user: string;
  /** The VM that is meant; left out, the one that the caller used last, its own before shared ones. */
  readonly vm?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer of a service's server. */
export interface ServiceReply extends ServiceAnswer, EnteredVm {
  /** To be called when bytes pass on the tunnel: that is a use. */
  readonly passed: () => void;
}

/** A VM that is made otherwise than as a clone of its service's image. */
export interface AdoptedVm {
  readonly image: Digest;
  readonly spec: ServiceSpec;
  readonly memoryMib: number;
  readonly via: 'overlay' | 'on-demand';
  /** Starts the machine, with a server in it that runs or will. */
  readonly open: (signal: AbortSignal) => Promise<Vm>;
}

interface Service {
  readonly name: FunctionName;
  readonly image: Digest;
  readonly spec: ServiceSpec;
  readonly publisher: string | null;
  readonly changedAt: string;
}

/** Native servers by name, and the VMs in which they run. Opened with a cloudlet, and closed with it. */
export class Services {
  readonly #options: CompleteServicesOptions;
  readonly #fleet: VmFleet;
  /** Services whose VM runs and whose image is not kept, or not yet. */
  readonly #adopted = new Map<FunctionName, { readonly service: Service; readonly vm: ServiceVm }>();

  constructor(options: ServicesOptions) {
    this.#options = completeServices(options);
    this.#fleet = new VmFleet(this.#options);
  }

  /** All services, by name. */
  list(): ServiceInfo[] {
    const names = [...this.#options.records.list().map(({ name }) => name), ...this.#adopted.keys()];
    return [...new Set(names)].sort().flatMap((name) => {
      const found = this.#find(name);
      return found === undefined ? [] : [this.#info(found)];
    });
  }

  /** One service; `service-unknown` when there is none. */
  get(name: FunctionName): ServiceInfo {
    return this.#info(this.#service(name));
  }

  /**
   * Gives a name a VM image and what runs in it, from the next start on. VMs of an earlier image serve those who use them until their
   * leases end. `adoptedAs`: what a VM of it was adopted as, which is one of this image from now on. `publisher`: the key that signed it.
   */
  put(
    name: FunctionName,
    image: Digest,
    spec: v.InferInput<typeof ServiceSpec>,
    { adoptedAs, publisher = null }: { readonly adoptedAs?: Digest; readonly publisher?: string | null } = {},
  ): ServiceInfo {
    const { records, changed } = this.#options;
    const adopted = adoptedAs === undefined ? undefined : this.#fleet.shared(name, adoptedAs);
    if (adopted !== undefined) adopted.image = image;
    records.put({ name, image, publisher, spec: JSON.stringify(v.parse(ServiceSpec, spec)) });
    this.#adopted.delete(name);
    this.#fleet.forgive(name);
    changed(name);
    return this.get(name);
  }

  /** Removes a service with its VMs and its log; `service-unknown` when there is none. The image stays. */
  async remove(name: FunctionName): Promise<void> {
    this.#service(name);
    this.#options.records.remove(name);
    this.#adopted.delete(name);
    await this.#fleet.remove(name);
    this.#options.changed(name);
  }

  /**
   * A VM of a service that serves: with `join` the one that others share, which is started when there is none, with `own` another
   * one. A start in flight is shared. `not-ready` when the server does not begin to serve, `at-capacity` when there is no room.
   */
  async start(
    name: FunctionName,
    { mode, port = false }: { readonly mode: 'join' | 'own'; readonly port?: boolean },
    { user, signal }: ServiceCaller,
  ): Promise<EnteredVm> {
    const service = this.#service(name);
    const entered = mode === 'join' ? await this.#join(service, user, signal) : await this.#own(service, user, signal);
    if (!port) return entered;
    const vm = this.#fleet.named(name, entered.vm.id);
    await vm.openPort();
    return { ...entered, vm: vm.info() };
  }

  /**
   * Runs a VM that was made otherwise, and lets the name stand for it once it serves: until the VM ends, or something is `put` under
   * the name. Nothing is left when it does not serve.
   */
  async adopt(
    name: FunctionName,
    { image, spec: asked, memoryMib, via, open }: AdoptedVm,
    { user, signal }: ServiceCaller,
  ): Promise<EnteredVm> {
    const spec = v.parse(ServiceSpec, asked);
    const vm = this.#fleet.begin(
      name,
      { image, spec },
      { user, mode: 'shared' },
      {
        via,
        open: async ({ place, signal: ending }) => {
          place.expect(memoryMib);
          return open(ending);
        },
      },
    );
    await served(vm, user, signal, true);
    if (this.#options.records.find(name)?.image !== image) {
      this.#adopted.set(name, {
        service: { name, image, spec, publisher: null, changedAt: new Date().toISOString() },
        vm,
      });
      this.#options.changed(name);
    }
    return { vm: vm.info(), via, startMs: vm.startMs ?? 0 };
  }

  /** Sends a request to a service's server: in the VM that the caller means or used last, else in the shared one, which is started when there is none. */
  async request(
    name: FunctionName,
    request: ServiceRequest,
    caller: ServiceCaller,
    isSecond = false,
  ): Promise<ServiceReply> {
    const service = this.#service(name);
    if (service.spec.protocol !== 'http') {
      throw new CloudletError(
        'conflict',
        `expected a service of HTTP, but "${name}" is one of TCP: start it with {"port": true} and connect to that port`,
      );
    }
    const answered = (outcome: string) => this.#options.observer.serviceAnswered?.({ name, outcome });
    let release = (): void => undefined;
    let leave = release;
    let vm: ServiceVm | undefined;
    try {
      const { user, signal } = caller;
      const meant = this.#meant(service, caller);
      const entered =
        meant === undefined ? await this.#join(service, user, signal) : await entering(meant, user, signal);
      vm = this.#fleet.named(name, entered.vm.id);
      leave = vm.connections.admit(user);
      release = vm.hold();
      const answer = await exchange(vm.connections, { ...request, host: `localhost:${vm.parts.spec.port}` }, signal);
      answered('ok');
      void answer.over.then(leave);
      // A WebSocket may be open for ever and its caller gone: there only what passes counts as use.
      if (answer.tunnel !== null) release();
      else void answer.over.then(release);
      return { ...answer, ...entered, passed: vm.passed };
    } catch (error) {
      leave();
      release();
      // Its server ended before anything was sent to it: who names no VM is served by another.
      const isLost = vm !== undefined && error === vm.failure && caller.vm === undefined;
      if (isLost && !isSecond) return this.request(name, request, caller, true);
      // Who ended its VM, or what did, says more than the connection that broke for it.
      const why = caller.signal?.aborted === true ? error : (vm?.failure ?? error);
      answered(why instanceof CloudletError ? why.code : 'internal');
      throw why;
    }
  }

  /** Ends VMs of a service: the one that is named, else all. `not-found` for another VM. Resolves when they are gone. */
  async stop(name: FunctionName, id?: string): Promise<void> {
    this.#service(name);
    const vms = id === undefined ? this.#fleet.of(name).filter(({ alive }) => alive) : [this.#fleet.named(name, id)];
    await Promise.all(vms.map((vm) => vm.end('stopped')));
  }

  /** Lets the VM that is named, or that the caller used last, live its whole lease from now; `not-found` when there is none. */
  renew(name: FunctionName, caller: ServiceCaller): ServiceVmInfo {
    const service = this.#service(name);
    const vm = this.#meant(service, caller) ?? this.#fleet.shared(name, service.image);
    if (vm === undefined) {
      throw new CloudletError(
        'not-found',
        `expected a VM of "${name}" that runs, found none; start one: npx cloudlet vm start ${name}`,
      );
    }
    vm.use(caller.user);
    return vm.info();
  }

  /** The kept lines of a service's consoles and what the host says of its VMs, and with `follow` those to come. */
  logs(name: FunctionName, options: ServiceLogOptions = {}): AsyncIterable<LogLine> {
    this.#service(name);
    return this.#fleet.log(name).read(options);
  }

  /** What service VMs take together, and may. */
  status(): ServicesStatus {
    const { vms, bytes, limits } = this.#fleet.admission;
    return { known: this.list().length, vms, vmLimit: limits.vms, bytes, limitBytes: limits.bytes };
  }

  /** Whether an image is needed: a VM of it runs, or a service is cloned from it. */
  usesImage(image: Digest): boolean {
    return this.#fleet.runs(image) || this.#options.records.usesImage(image);
  }

  /** A place among service VMs for one in which something is made, to be released when that is gone; `at-capacity` when there is no room. */
  reserve(image: Digest, memoryMib: number, user?: string): Pick<Place, 'release'> {
    return this.#fleet.reserve(image, memoryMib, user);
  }

  /** Ends all VMs. Idempotent; resolves when they are gone. */
  close(): Promise<void> {
    return this.#fleet.close();
  }

  #join(service: Service, user: string, signal: AbortSignal | undefined): Promise<EnteredVm> {
    const shared = this.#fleet.shared(service.name, service.image);
    if (shared !== undefined) return entering(shared, user, signal);
    return started(this.#fleet.clone(service.name, service, { user, mode: 'shared' }), user, signal);
  }

  #own(service: Service, user: string, signal: AbortSignal | undefined): Promise<EnteredVm> {
    return started(this.#fleet.clone(service.name, service, { user, mode: 'own' }), user, signal);
  }

  #meant({ name }: Service, { user, vm }: ServiceCaller): ServiceVm | undefined {
    return vm === undefined ? this.#fleet.usedBy(name, user) : this.#fleet.named(name, vm);
  }

  #service(name: FunctionName): Service {
    const found = this.#find(name);
    if (found !== undefined) return found;
    throw new CloudletError(
      'service-unknown',
      `expected the name of a service, got "${name}"; npx cloudlet vm ls shows which there are`,
    );
  }

  #find(name: FunctionName): Service | undefined {
    const adopted = this.#adopted.get(name);
    if (adopted?.vm.alive === true) return adopted.service;
    this.#adopted.delete(name);
    const record = this.#options.records.find(name);
    return record && serviceOf(record);
  }

  #info({ name, image, spec, publisher, changedAt }: Service): ServiceInfo {
    const failure = this.#fleet.failure(name);
    const vms = this.#fleet.of(name).map((vm) => vm.info());
    const known = { name, address: `/s/${name}/`, image, spec, publisher, changedAt, vms };
    return { ...known, ...(failure === undefined ? {} : { failure }) };
  }
}

function serviceOf({ name, spec, ...kept }: RegisteredService): Service {
  const parsed = v.safeParse(ServiceSpec, JSON.parse(spec));
  if (parsed.success) return { name, ...kept, spec: parsed.output };
  throw new CloudletError(
    'storage-corrupt',
    `what is kept of the service "${name}" cannot be read; remove it (npx cloudlet vm rm ${name}) and make it anew`,
  );
}
