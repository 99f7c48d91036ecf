import type { Duplex } from 'node:stream';
import {
  CloudletError,
  type Digest,
  type FunctionName,
  type ServiceSpec,
  type ServiceVmInfo,
  type ServiceVmState,
} from '../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../grant/index.ts';
import { unlessAborted } from '../machine/index.ts';
import type { NetworkWorld } from '../outside/network/network.ts';
import type { Clock } from '../sandbox/clock.ts';
import type { Vm } from '../vm/vm.ts';
import { Lease } from './lease.ts';
import { type OutboundOutcome, type OutboundProxy, openOutboundProxy } from './outbound-proxy.ts';
import { probeService } from './probe.ts';
import { openRawPort, type RawPort } from './raw-port.ts';
import { ServerDoor } from './server-door.ts';
import type { ServiceLog } from './service-log.ts';
import type { VmEndCause } from './service-observer.ts';
import { isAlive, movedTo } from './service-vm-state.ts';
import type { Place } from './vm-admission.ts';
import { VmConnections } from './vm-connections.ts';
import { VmUsers } from './vm-users.ts';

/** How often the memory of a VM is measured, milliseconds. */
const MEASURE_MS = 10_000;

/** What a service VM is made of. */
export interface ServiceVmParts {
  readonly id: string;
  readonly name: FunctionName;
  readonly image: Digest;
  readonly spec: ServiceSpec;
  readonly mode: 'shared' | 'own';
  readonly place: Place;
  /** Starts the machine. */
  readonly open: (signal: AbortSignal) => Promise<Vm>;
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  readonly network: NetworkWorld;
  /** Where raw ports are. */
  readonly bind: string;
  /** How long a request may go on without a byte, milliseconds. */
  readonly quietMs: number;
  readonly clock: Clock;
  readonly log: ServiceLog;
  readonly wentOut: (outcome: OutboundOutcome) => void;
  /** Told when it serves, with what that took. */
  readonly ready: (ms: number) => void;
  /** Told once, when all of it is gone; `failure` when nobody wanted that. */
  readonly ended: (cause: VmEndCause, failure: CloudletError | null) => void;
}

/** One VM in which a service runs, from its start to its end. Whoever begins one ends it, or its lease does. */
export class ServiceVm {
  readonly parts: ServiceVmParts;
  /** What it is a VM of: another once what it was made of is kept as an image. */
  image: Digest;
  /** Resolves when the server has answered its probe; rejects when that is not to be. */
  readonly ready: Promise<void>;
  readonly #startedAt = new Date();
  readonly #users: VmUsers;
  readonly #ending = new AbortController();
  readonly #connections: VmConnections;
  readonly #outbound: OutboundProxy;
  #state: ServiceVmState = 'starting';
  #vm: Vm | null = null;
  #door: ServerDoor | null = null;
  #lease: Lease | null = null;
  #startMs: number | null = null;
  #raw: Promise<RawPort> | null = null;
  #rawPort: number | null = null;
  #stopMeasuring: () => void = () => undefined;
  #gone: Promise<void> | null = null;

  constructor(parts: ServiceVmParts) {
    const { spec, clock, policy, network: world, log, id, wentOut } = parts;
    this.parts = parts;
    this.image = parts.image;
    this.#users = new VmUsers(clock, spec.limits.leaseS * 1000);
    this.#connections = new VmConnections({
      connect: (signal) => this.#connect(signal),
      limit: spec.limits.connections,
      quietMs: parts.quietMs,
      clock,
    });
    const report = (outcome: OutboundOutcome, sentence: string): void => {
      wentOut(outcome);
      if (outcome !== 'allowed') log.add(id, 'host', sentence);
    };
    this.#outbound = openOutboundProxy({ hosts: spec.outbound, policy, world, report });
    this.ready = this.#start();
    // Whoever waits for it is told; nobody has to.
    this.ready.catch(() => undefined);
  }

  get state(): ServiceVmState {
    return this.#state;
  }

  /** Whether it serves, or will. */
  get alive(): boolean {
    return isAlive(this.#state);
  }

  get startMs(): number | null {
    return this.#startMs;
  }

  /** Why it does not serve any more; null as long as it does, or will. */
  get failure(): unknown {
    return this.#ending.signal.aborted ? this.#ending.signal.reason : null;
  }

  /** Its connections, for requests of HTTP. */
  get connections(): VmConnections {
    return this.#connections;
  }

  info(): ServiceVmInfo {
    const { id, mode, place } = this.parts;
    const leftMs = this.#state === 'ready' ? this.#lease!.leftMs : null;
    return {
      id,
      state: this.#state,
      mode,
      image: this.image,
      users: this.#users.count,
      connections: this.#connections.used,
      startedAt: this.#startedAt.toISOString(),
      startMs: this.#startMs,
      expiresAt: leftMs === null ? null : new Date(Date.now() + leftMs).toISOString(),
      privateBytes: place.bytes,
      pid: this.#vm?.pid ?? null,
      port: this.#rawPort,
    };
  }

  /** Somebody uses it: it lives its whole lease from now. */
  use(user: string): void {
    this.#users.note(user);
    this.#lease?.renew();
    const { place } = this.parts;
    // It counts for who started it, as long as he uses it; then for who does.
    if (place.owner !== null && this.#users.lastUse(place.owner) === null) place.passTo(user);
  }

  /** When `user` last used it, by the clock; null when it did not within the lease. */
  usedBy(user: string): number | null {
    return this.#users.lastUse(user);
  }

  /** Keeps it alive until the returned function is called. */
  hold(): () => void {
    return this.#lease?.hold() ?? (() => undefined);
  }

  /** Bytes pass on a connection that nobody holds the lease for. */
  readonly passed = (): void => this.#lease?.renew();

  /** A port of this computer that leads to its server; the same for whoever asks. */
  async openPort(): Promise<number> {
    const { bind, spec } = this.parts;
    const { limits } = spec;
    // Nobody says who he is there: who floods it from one address leaves some to others, and to callers of HTTP.
    const connect = (from: string): Promise<Duplex> =>
      this.#connections.openFor(`address ${from}`, this.#ending.signal);
    this.#raw ??= openRawPort({ bind, connect, limit: limits.connections, used: this.passed });
    try {
      const { port, close } = await this.#raw;
      if (!this.alive) close();
      this.#rawPort = port;
      return port;
    } catch (error) {
      this.#raw = null;
      throw error;
    }
  }

  /** Ends it and all that belongs to it. Idempotent; resolves when it is gone. */
  end(cause: Exclude<VmEndCause, 'failed'>): Promise<void> {
    if (this.#gone === null) {
      this.#state = movedTo(this.#state, 'stopping');
      const reason = new CloudletError('conflict', `the VM was ${ENDED[cause]} while it was used; start another one`);
      this.#ending.abort(reason);
      this.#gone = this.#release(cause, null);
    }
    return this.#gone;
  }

  async #start(): Promise<void> {
    const { open, clock, spec, log, id } = this.parts;
    const began = clock.now();
    const { signal } = this.#ending;
    try {
      const vm = await open(signal);
      this.#vm = vm;
      void log.drain(id, vm.console);
      vm.relay.onOutgoing(this.#outbound.accept);
      const ended = vm.exited.then(({ code, signal: by, tail }) => {
        throw new CloudletError(
          'machine-failed',
          `the VM ended by itself (${by ?? `status ${code}`}): ${tail.trim().slice(-300) || 'it said nothing'}`,
        );
      });
      ended.catch((error: CloudletError) => this.#fail(error));
      const probing = new AbortController();
      const probe = probeService({
        spec,
        connect: (attempt) => vm.relay.connect(spec.port, attempt),
        clock,
        signal: AbortSignal.any([signal, probing.signal]),
      });
      probe.catch(() => undefined);
      await unlessAborted(Promise.race([probe, ended]), signal).finally(() => probing.abort());
      this.#startMs = clock.now() - began;
      const lost = (failure: CloudletError): void => this.#fail(failure);
      this.#door = new ServerDoor({ relay: vm.relay, port: spec.port, clock, lost });
      this.#lease = new Lease(clock, spec.limits.leaseS * 1000, () => void this.end('expired'));
      this.#state = movedTo(this.#state, 'ready');
      this.#measure();
      this.parts.ready(this.#startMs);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failure = asFailure(error);
      this.#fail(failure);
      throw failure;
    }
  }

  /** It ended, or does not serve, though nobody wanted that. */
  #fail(failure: CloudletError): void {
    if (!this.alive) return;
    this.#state = movedTo(this.#state, 'failed');
    this.#ending.abort(failure);
    this.#gone = this.#release('failed', failure);
  }

  async #release(cause: VmEndCause, failure: CloudletError | null): Promise<void> {
    const { place, ended } = this.parts;
    this.#lease?.end();
    this.#door?.close();
    this.#stopMeasuring();
    this.#connections.close();
    this.#outbound.close();
    await this.#raw?.then(
      (raw) => raw.close(),
      () => undefined,
    );
    // A start that goes on gives up by its signal, or comes to a VM that nobody wants any more.
    if (cause !== 'failed') await this.ready.catch(() => undefined);
    await this.#vm?.close();
    await place.release();
    if (cause !== 'failed') this.#state = movedTo(this.#state, 'gone');
    ended(cause, failure);
  }

  async #connect(signal?: AbortSignal): Promise<Duplex> {
    if (this.#door === null || this.#state !== 'ready') throw this.#notServing();
    const ends = [this.#ending.signal, ...(signal === undefined ? [] : [signal])];
    return this.#door.connect(AbortSignal.any(ends));
  }

  #notServing(): CloudletError {
    const { reason } = this.#ending.signal;
    if (reason instanceof CloudletError) return reason;
    return new CloudletError('not-ready', 'the VM is starting; wait until it is ready');
  }

  #measure(): void {
    const { place, clock } = this.parts;
    void this.#vm?.privateBytes().then(place.measure, () => undefined);
    this.#stopMeasuring = clock.after(MEASURE_MS, () => this.#measure());
  }
}

const ENDED = {
  stopped: 'stopped',
  expired: 'ended by its lease',
  removed: 'removed with its service',
  drain: 'ended with the cloudlet',
};

function asFailure(error: unknown): CloudletError {
  if (error instanceof CloudletError) return error;
  return new CloudletError('machine-failed', `the VM could not be started: ${(error as Error).message}`, {
    cause: error,
  });
}
