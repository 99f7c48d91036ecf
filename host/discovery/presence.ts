import {
  type DnsPacket,
  type LocalNetwork,
  MDNS_PORT,
  type MulticastLink,
  openLink,
  type Sender,
} from '../../guest-sdk/client/mdns.ts';
import { answerTo, isConflict, legacyAnswer } from './answer.ts';
import { goodbye, type OwnRecord, type Service, type ServiceRecords, serviceRecords } from './service-records.ts';

/** Probes before a name is used, and the time between them, milliseconds (RFC 6762 section 8.1). */
const PROBES = 3;
const PROBE_EVERY_MS = 250;

/** A second announcement follows the first, in case that was lost. */
const ANNOUNCE_AGAIN_MS = 1000;

/** No record is sent to everybody more often, so that strangers cannot make us flood the network (RFC 6762 section 6). */
const REPEAT_MS = 1000;

/** An answer that several hosts may give waits a random time in this range, so that they do not collide. */
const SHARED_DELAY_MS = [20, 120] as const;

/** What a presence tells. */
export interface PresenceListener {
  /** The name is taken by another host. A new service is expected through `rename`. */
  readonly conflict: () => void;
  /** The name was free and has been announced. */
  readonly announced: () => void;
}

/** A service on one network: probes its name, announces it, answers questions, and says goodbye at the end. */
export class Presence {
  readonly network: LocalNetwork;
  readonly #listener: PresenceListener;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #sentAt = new Map<string, number>();
  #records: ServiceRecords;
  #link: MulticastLink | null = null;
  #established = false;
  #closed = false;

  private constructor(service: Service, network: LocalNetwork, listener: PresenceListener) {
    this.network = network;
    this.#listener = listener;
    this.#records = serviceRecords(service, network.address);
  }

  /** Joins the network and begins to probe; rejects with `network-unavailable` where multicast is not possible. */
  static async open(service: Service, network: LocalNetwork, listener: PresenceListener): Promise<Presence> {
    const presence = new Presence(service, network, listener);
    presence.#link = await openLink(network, {
      query: (packet, from) => presence.#answer(packet, from),
      response: (packet) => presence.#hear(packet),
    });
    presence.#probe(0);
    return presence;
  }

  /** Goes on under another name, from its first probe. */
  rename(service: Service): void {
    if (this.#closed) return;
    if (this.#established) void this.#link?.send('response', { answers: goodbye(this.#records) });
    this.#records = serviceRecords(service, this.network.address);
    this.#established = false;
    this.#stopTimers();
    this.#probe(0);
  }

  /** Takes everything back that was announced and leaves the network. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimers();
    if (this.#established) await this.#link?.send('response', { answers: goodbye(this.#records) });
    await this.#link?.close();
  }

  #probe(done: number): void {
    if (done === PROBES) {
      this.#announce();
      return;
    }
    const { instance, all } = this.#records;
    void this.#link?.send('query', {
      questions: [{ name: instance, type: 'ANY' }],
      authorities: all.filter((record) => record.name === instance),
    });
    this.#after(PROBE_EVERY_MS, () => this.#probe(done + 1));
  }

  #announce(): void {
    this.#established = true;
    this.#multicast(this.#records.all, []);
    this.#after(ANNOUNCE_AGAIN_MS, () => this.#multicast(this.#records.all, []));
    this.#listener.announced();
  }

  #answer(query: DnsPacket, from: Sender): void {
    if (!this.#established || this.#closed) return;
    const answer = answerTo(query, this.#records);
    if (answer === null) return;
    if (from.port !== MDNS_PORT) {
      void this.#link?.send('response', legacyAnswer(query, answer), from);
      return;
    }
    // A name that somebody else is probing must be defended at once.
    const isProbe = (query.authorities ?? []).length > 0;
    const now = performance.now();
    const isDue = (record: OwnRecord): boolean =>
      isProbe || now - (this.#sentAt.get(keyOf(record)) ?? -REPEAT_MS) >= REPEAT_MS;
    const answers = answer.answers.filter(isDue);
    if (answers.length === 0) return;
    const send = (): void => this.#multicast(answers, answer.additionals);
    if (answers.every((record) => record.flush)) send();
    else this.#after(SHARED_DELAY_MS[0] + Math.random() * (SHARED_DELAY_MS[1] - SHARED_DELAY_MS[0]), send);
    // Noted now: the same question may come again while this answer waits.
    for (const record of answers) this.#sentAt.set(keyOf(record), now);
  }

  #hear(packet: DnsPacket): void {
    if (!this.#closed && isConflict(packet, this.#records)) this.#listener.conflict();
  }

  #multicast(answers: readonly OwnRecord[], additionals: readonly OwnRecord[]): void {
    for (const record of answers) this.#sentAt.set(keyOf(record), performance.now());
    void this.#link?.send('response', { answers, additionals });
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

function keyOf(record: OwnRecord): string {
  return `${record.type} ${record.name}`;
}
