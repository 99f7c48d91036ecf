import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { OutsideRequest, OutsideService, OutsideServices } from '../../outside-service.ts';
import type { ConnectionBudget } from '../connection-budget.ts';
import { type Dialer, within } from '../dialer.ts';
import { formatIp, parseIp } from '../ip-address.ts';
import type { SocketEnd, TcpBound } from '../messages.ts';
import { serveConnection } from './serve-connection.ts';
import { SocketArgs } from './socket-args.ts';
import type { SocketGate } from './socket-gate.ts';
import { asSocketRefusal, socketRefusal } from './socket-refusal.ts';
import { TcpBinding } from './tcp-binding.ts';
import { untilForgotten } from './until-forgotten.ts';

interface Bound {
  readonly binding: TcpBinding;
  readonly local: SocketEnd;
}

const MAX_BACKLOG = 128;

/** The services of TCP for one function: `tcp.connect`, and where it may listen `tcp.bind`, `tcp.listen` and `tcp.accept`. */
export class TcpServices {
  readonly #gate: SocketGate;
  readonly #dialer: Dialer;
  readonly #budget: ConnectionBudget;
  readonly #timeoutMs: number;
  readonly #bound = new Map<string, Bound>();
  readonly #sockets = new Set<Socket>();

  constructor(gate: SocketGate, dialer: Dialer, budget: ConnectionBudget, timeoutMs: number) {
    this.#gate = gate;
    this.#dialer = dialer;
    this.#budget = budget;
    this.#timeoutMs = timeoutMs;
  }

  /** The services by name. */
  get services(): OutsideServices {
    return {
      'tcp.connect': telling((outside) => this.#connect(outside)),
      'tcp.bind': telling((outside) => this.#bind(outside)),
      'tcp.listen': telling((outside) => this.#listen(outside)),
      'tcp.accept': telling((outside) => this.#accept(outside)),
    };
  }

  /** Ends all of them. */
  close(): void {
    for (const { binding } of this.#bound.values()) void binding.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #connect(outside: OutsideRequest) {
    const args = new SocketArgs(outside.args);
    const remote = args.end('remote');
    const bound = args.has('binding') ? this.#named(args) : null;
    if (!this.#gate.reaches('tcp', remote))
      throw denied(`to connect to ${formatIp(remote.address)}, port ${remote.port}`);
    const local = bound === null ? null : { address: formatIp(bound.local.address), port: bound.local.port };
    // The port is the connection's from here on.
    await bound?.binding.close();
    const socket = await within(this.#timeoutMs, outside.signal, async (signal) => {
      await this.#budget.take(signal);
      try {
        const options = { local, halfOpen: true };
        const made = await this.#dialer.connect(remote.address, remote.port, options, this.#timeoutMs, signal);
        made.once('close', () => this.#budget.release());
        return made;
      } catch (error) {
        this.#budget.release();
        throw error;
      }
    });
    return this.#serve(socket, outside);
  }

  async #bind(outside: OutsideRequest) {
    const asked = new SocketArgs(outside.args).end('local');
    const place = bindable(asked, this.#gate, this.#dialer);
    if (this.#bound.size >= this.#budget.limit)
      throw socketRefusal('new-socket-limit', 'the function has too many sockets');
    const binding = await TcpBinding.open({ address: formatIp(place), port: asked.port }, this.#budget, (socket) => {
      const peer = parseIp(socket.remoteAddress ?? '');
      return peer !== null && this.#dialer.allows(peer);
    });
    const name = randomBytes(16).toString('hex');
    const local = { address: asked.address, port: binding.port };
    this.#bound.set(name, { binding, local });
    const value: TcpBound = { local, binding: name };
    const end = untilForgotten(outside.signal, () => {
      this.#bound.delete(name);
      void binding.close();
    });
    return { value, end };
  }

  async #listen({ args }: OutsideRequest) {
    const given = new SocketArgs(args);
    this.#named(given).binding.listen(Math.min(given.count('backlog'), MAX_BACKLOG));
    return { value: null };
  }

  async #accept(outside: OutsideRequest) {
    const { binding } = this.#named(new SocketArgs(outside.args));
    if (!binding.listening) throw socketRefusal('invalid-state', 'the socket does not listen');
    return this.#serve(await binding.accept(outside.signal), outside);
  }

  #serve(socket: Socket, outside: OutsideRequest) {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    try {
      return serveConnection(socket, outside);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  #named(args: SocketArgs): Bound {
    const bound = this.#bound.get(args.text('binding'));
    if (bound === undefined) throw socketRefusal('invalid-state', 'the socket is not bound');
    return bound;
  }
}

/** The address to bind to for the one that a guest asks for: all addresses of this computer are its loopback. Throws an `OutsideRefusal`. */
export function bindable({ address }: SocketEnd, gate: SocketGate, dialer: Dialer): Uint8Array {
  const place = address.some((byte) => byte !== 0) ? address : parseIp(address.length === 4 ? '127.0.0.1' : '::1')!;
  if (!gate.listen) throw denied(`to bind to ${formatIp(address)}`);
  // Whether this computer has it is not told.
  if (!dialer.allows(place))
    throw socketRefusal('address-not-bindable', `${formatIp(address)} is no address that the function may have`);
  return place;
}

function denied(what: string): Error {
  return socketRefusal(
    'access-denied',
    `the function was not granted ${what}; "sockets" in cloudlet.json names hosts, and the cloudlet's policy may allow fewer`,
  );
}

/** A service whose failures are told in codes of `wasi:sockets`. */
function telling(service: OutsideService): OutsideService {
  return async (outside) => {
    try {
      return await service(outside);
    } catch (error) {
      throw asSocketRefusal(error);
    }
  };
}
