import { formatHostPattern, type Use } from '../../guest-sdk/protocol/index.ts';
import { parseHttpRequest } from '../outside/network/http/http-request.ts';
import { formatIp } from '../outside/network/ip-address.ts';
import { SocketArgs } from '../outside/network/sockets/socket-args.ts';
import { OutsideRefusal, type OutsideRequest, type OutsideService } from '../outside/outside-service.ts';
import { watchPeers } from './datagram-peers.ts';

/** Hosts of one kind, and refusals, that are kept. */
const MOST = 256;

/** Names that are remembered of addresses. */
const MOST_NAMES = 1024;

/** Codes that say that a grant, or the policy over it, does not allow it. */
const DENIALS: ReadonlySet<string> = new Set(['access-denied', 'HTTP-request-denied', 'destination-IP-prohibited']);

/** What guests of a version asked of the host: seen here, where what they say cannot differ from what was done. */
export class ServiceUse {
  readonly stores = { keyvalue: false, blobs: false };
  readonly #http = new Map<string, Set<string>>();
  readonly #tcp = new Set<string>();
  readonly #udp = new Set<string>();
  readonly #lookup = new Set<string>();
  readonly #denied = new Set<string>();
  /** The name under which an address was looked up last. */
  readonly #names = new Map<string, string>();
  #listen = false;

  get http(): Use['http'] {
    return [...this.#http].map(([host, methods]) => ({ host, methods: [...methods] }));
  }

  get sockets(): Use['sockets'] {
    return { tcp: [...this.#tcp], udp: [...this.#udp], lookup: [...this.#lookup], listen: this.#listen };
  }

  get denied(): string[] {
    return [...this.#denied];
  }

  /** It asked for a service that there is not for it; gives what it asked for. */
  refuse(name: string, args: unknown): string {
    const { denied } = this.#meaning(name, { args } as OutsideRequest);
    remember(this.#denied, denied);
    return denied;
  }

  /** The same service, whose uses are noted. */
  watch(name: string, does: OutsideService, changed: () => void): OutsideService {
    return async (request) => {
      const { note, asked, denied } = this.#meaning(name, request);
      try {
        const answer = await does(asked);
        note(answer.value);
        changed();
        return answer;
      } catch (error) {
        if (error instanceof OutsideRefusal && DENIALS.has(error.code)) remember(this.#denied, denied);
        // What was allowed and did not work was used all the same.
        else note(null);
        changed();
        throw error;
      }
    };
  }

  #meaning(name: string, request: OutsideRequest): Meaning {
    try {
      return { asked: request, denied: name, ...this.#read(name, request) };
    } catch {
      // Its arguments are none: the service says so.
      return { note: () => {}, asked: request, denied: name };
    }
  }

  #read(name: string, request: OutsideRequest): Pick<Meaning, 'note'> & Partial<Meaning> {
    switch (name) {
      case 'http.send': {
        const { method, scheme, destination } = parseHttpRequest(request.args);
        const { host, port } = destination;
        const standard = port === (scheme === 'http' ? 80 : 443);
        const pattern = formatHostPattern({ host, port: standard ? 'default' : port });
        return { note: () => this.#sent(pattern, method), denied: `http ${pattern}` };
      }
      case 'tcp.connect': {
        const { address, port } = new SocketArgs(request.args).end('remote');
        const peer = this.#peer(address, port);
        return { note: () => remember(this.#tcp, peer), denied: `tcp ${peer}` };
      }
      case 'dns.resolve': {
        const looked = new SocketArgs(request.args).text('name');
        return { note: (addresses) => this.#lookedUp(looked, addresses), denied: `lookup ${looked}` };
      }
      case 'tcp.listen':
        return { note: () => this.#listens(), denied: 'listen' };
      case 'udp.bind':
        return {
          note: () => {},
          asked: watchPeers(request, ({ address, port }) => remember(this.#udp, this.#peer(address, port))),
          denied: 'udp',
        };
      default:
        return { note: () => this.#stored(name) };
    }
  }

  #stored(name: string): void {
    if (name.startsWith('keyvalue.')) this.stores.keyvalue = true;
    if (name.startsWith('blob')) this.stores.blobs = true;
  }

  #listens(): void {
    this.#listen = true;
  }

  #sent(host: string, method: string): void {
    const methods = this.#http.get(host) ?? new Set();
    if (!this.#http.has(host) && this.#http.size >= MOST) return;
    this.#http.set(host, methods);
    if (methods.size < 16) methods.add(method);
  }

  #lookedUp(name: string, addresses: unknown): void {
    remember(this.#lookup, name);
    for (const address of Array.isArray(addresses) ? addresses : []) {
      if (this.#names.size < MOST_NAMES && address instanceof Uint8Array) this.#names.set(formatIp(address), name);
    }
  }

  /** A host and port as a grant names them: by the name that was looked up, if one was. */
  #peer(address: Uint8Array, port: number): string {
    const text = formatIp(address);
    return formatHostPattern({ host: this.#names.get(text) ?? text, port });
  }
}

interface Meaning {
  /** It was done, with this answer; or it was tried. */
  readonly note: (answer: unknown) => void;
  readonly asked: OutsideRequest;
  /** What it is called when it is denied. */
  readonly denied: string;
}

function remember(set: Set<string>, what: string): void {
  if (set.size < MOST) set.add(what.slice(0, 512));
}
