import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import * as v from 'valibot';
import { CloudletError, type Digest, digestOfHex, ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import type { MachineExit } from '../../runtime/machine/index.ts';
import type { Clock } from '../../runtime/sandbox/clock.ts';
import { Services, type ServicesOptions, type ServiceWorld } from '../../runtime/service/index.ts';
import type { RegisteredService } from '../../runtime/store/index.ts';
import type { VmImage } from '../../runtime/vm/image/vm-image.ts';
import type { RelayJob, Vm } from '../../runtime/vm/vm.ts';
import { socketPair } from './socket-pair.ts';

/** A VM whose loopback is a table of local servers: for what is around VMs, not for what they are. */
export class FakeVm implements Vm {
  readonly id: string;
  readonly pid = process.pid;
  readonly console = new PassThrough();
  readonly exited: Promise<MachineExit>;
  readonly jobs: RelayJob[] = [];
  readonly relay: Vm['relay'];
  readonly ports: Map<number, number>;
  bytes = 20 * 1024 * 1024;
  closed = 0;
  readonly #exit = Promise.withResolvers<MachineExit>();
  readonly #open = new Set<Socket>();
  #accept: ((connection: Duplex) => void) | null = null;

  /** `ports`: what listens inside, as ports of this computer. */
  constructor(id: string, ports: Map<number, number>) {
    this.id = id;
    this.ports = ports;
    this.exited = this.#exit.promise;
    this.relay = {
      connect: (port, signal) => this.#connect(ports.get(port), port, signal),
      run: async (job) => {
        this.jobs.push(job);
        return 0;
      },
      onOutgoing: (accept) => {
        this.#accept = accept;
      },
    };
  }

  /** A connection that a program inside makes to its proxy. */
  async goOut(): Promise<Duplex> {
    const [inside, host] = await socketPair();
    if (this.#accept === null) host.destroy();
    else this.#accept(host);
    return inside;
  }

  /** Ends without being asked. */
  crash(tail = 'Kernel panic'): void {
    this.#end({ code: null, signal: 'SIGKILL', tail });
  }

  async pause(): Promise<void> {}

  async resume(): Promise<void> {}

  async privateBytes(): Promise<number> {
    return this.bytes;
  }

  async close(): Promise<void> {
    this.closed += 1;
    this.#end({ code: 0, signal: null, tail: '' });
  }

  #end(exit: MachineExit): void {
    for (const socket of this.#open) socket.destroy();
    this.console.end();
    this.#exit.resolve(exit);
  }

  #connect(local: number | undefined, port: number, signal: AbortSignal | undefined): Promise<Duplex> {
    const refused = new CloudletError('not-ready', `nothing listens on port ${port} of the VM`);
    if (local === undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: local, allowHalfOpen: true });
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      socket.once('error', () => reject(refused));
      socket.once('connect', () => resolve(socket));
      signal?.addEventListener('abort', () => socket.destroy(new Error('not wanted')), { once: true });
    });
  }
}

/** A world of fake VMs. */
export class FakeVms {
  readonly started: FakeVm[] = [];
  /** What listens in VMs that are started from now on. */
  readonly ports = new Map<number, number>();
  /** Images that are held now. */
  held = 0;
  /** Whether images are not there any more. */
  isGone = false;
  memoryMib = 128;
  /** What a start waits for. */
  gate: Promise<void> = Promise.resolve();
  /** Makes starts fail. */
  failure: Error | null = null;

  get running(): FakeVm[] {
    return this.started.filter(({ closed }) => closed === 0);
  }

  readonly world: Pick<ServiceWorld, 'hold' | 'restore'> = {
    hold: async (digest) => {
      if (this.isGone) return null;
      this.held += 1;
      let isHeld = true;
      const release = async (): Promise<void> => {
        if (isHeld) this.held -= 1;
        isHeld = false;
      };
      return { image: fakeImage(digest, this.memoryMib), release };
    },
    restore: async (_, { id }) => {
      await this.gate;
      if (this.failure !== null) throw this.failure;
      const vm = new FakeVm(id, new Map(this.ports));
      this.started.push(vm);
      return vm;
    },
  };
}

/** The real time, whose timers keep the program: here nothing else may. */
export const keepingClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** The records of services, in memory. */
export function memoryRecords(): ServicesOptions['records'] {
  const records = new Map<string, RegisteredService>();
  return {
    list: () => [...records.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    find: (name) => records.get(name),
    put: (record) => void records.set(record.name, { ...record, changedAt: '2026-11-26T00:00:00.000Z' }),
    remove: (name) => records.delete(name),
    usesImage: (image) => [...records.values()].some((record) => record.image === image),
  };
}

/** Services over fake VMs. */
export function fakeServices(vms: FakeVms, options: Partial<ServicesOptions> = {}): Services {
  return new Services({
    records: memoryRecords(),
    world: vms.world,
    policy: { http: 'any-public', privateNetworks: [] },
    ...options,
  });
}

/** The digest of an image that is not there. */
export function imageDigest(digit: string): Digest {
  return digestOfHex(digit.repeat(64));
}

/** What runs in an image, with what is said in place of the defaults. */
export function serviceSpec(changes: Partial<v.InferInput<typeof ServiceSpec>> = {}): ServiceSpec {
  return v.parse(ServiceSpec, { run: 'server', port: 80, readyMs: 1000, ...changes });
}

function fakeImage(digest: Digest, memoryMib: number): VmImage {
  const conditions = {
    ...{ qemu: '7.2', accelerator: 'tcg' as const, processor: 'max', counterMhz: null, image: 'none' },
    ...{ memoryMib, vcpus: 1, workers: 0, content: null },
  } as const;
  return {
    ...{ digest, kind: 'service', directory: '/nowhere', memory: '/nowhere/memory', state: '/nowhere/state' },
    ...{ disk: [], conditions, diskBytes: 0, base: null, service: null },
  };
}

/** A server on a port of this computer. */
export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens with what handles each connection. */
export async function serveLocally(server: Server): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A server that does this with each connection. */
export function rawServer(handle: (socket: Socket) => void): Server {
  return createServer({ allowHalfOpen: true }, handle);
}
