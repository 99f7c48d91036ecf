import { ASK_BYTES, type Frame, MAX_ASKS, WireError } from '../../agent/wire.ts';
import type { OutsideServices } from '../../outside/outside-service.ts';
import type { VersionUse } from '../version-use.ts';
import { parseAsk, parseCredit } from './agent-message.ts';
import type { FrameWriter } from './frame-writer.ts';
import { HostAsk } from './host-ask.ts';

/** What the guest of one invocation may ask of the host. */
export interface CallOutside {
  readonly services: OutsideServices;
  /** A service failed in a way that is no refusal. */
  failed(service: string, error: unknown): void;
  /** Who hears what is asked, and stands between; nobody when left out. */
  readonly use?: Pick<VersionUse, 'service' | 'denied'> | undefined;
}

/** What the host itself says about an invocation; an agent cannot say it in its place. */
export interface HostLine {
  readonly stream: 'host';
  readonly text: string;
}

/** For a guest that may ask nothing. */
export const NO_OUTSIDE: CallOutside = { services: {}, failed: () => {} };

/** Codes that say that a grant, or the policy that reduced it, lacks something: the guest may hide them, and its author has to know. */
const DENIALS: ReadonlySet<string> = new Set(['access-denied', 'HTTP-request-denied', 'destination-IP-prohibited']);

/** Most different lines about that for one invocation: a guest that tries every host must not fill its log. */
const MAX_TOLD = 16;

/** What one invocation has asked of the host and is not over; whoever broke out of the guest may say anything here. */
export class CallAsks {
  readonly #outside: CallOutside;
  readonly #writer: FrameWriter;
  readonly #open = new Map<number, HostAsk>();
  #closed = false;
  #served = false;
  readonly #tell: (text: string) => void;
  readonly #told = new Set<string>();

  /** `tell` takes a line for the function's log. */
  constructor(outside: CallOutside, writer: FrameWriter, tell: (text: string) => void) {
    this.#outside = outside;
    this.#writer = writer;
    this.#tell = tell;
  }

  /** How many are open. */
  get open(): number {
    return this.#open.size;
  }

  /** What it was denied, the first of it; null when nothing was. */
  get denial(): string | null {
    return this.#told.values().next().value ?? null;
  }

  /** Whether a service was ever asked. */
  get served(): boolean {
    return this.#served;
  }

  /** Takes a frame under an ask's id. One that comes for what is over was on its way then. `WireError` when it breaks a bound or the order. */
  take({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'ask':
        this.#begin(id, payload);
        break;
      case 'body':
        this.#open.get(id)?.takeBody(payload);
        break;
      case 'end':
        this.#open.get(id)?.takeEnd();
        break;
      case 'credit':
        this.#open.get(id)?.takeCredit(parseCredit(payload).bytes);
        break;
      case 'forget':
        this.#open.get(id)?.abort('the guest forgot it');
        this.#open.delete(id);
        break;
      default:
        throw new WireError(`expected a frame that a worker may send of what it asks, got ${kind}`);
    }
  }

  /** The invocation is over, or nobody waits for it: nothing more is done for its guest. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const ask of this.#open.values()) ask.abort('the invocation has ended');
    this.#open.clear();
  }

  #begin(id: number, payload: Uint8Array): void {
    if (payload.length > ASK_BYTES) {
      throw new WireError(`expected at most ${ASK_BYTES} bytes in an ask frame, got ${payload.length}`);
    }
    if (this.#open.has(id)) throw new WireError(`expected an id that is free for what is asked, got ${id} again`);
    if (this.#open.size >= MAX_ASKS) throw new WireError(`expected at most ${MAX_ASKS} things asked at once, got more`);
    // The agent ends the invocation just now, and with it whoever waits for an answer.
    if (this.#closed) return;
    const { service, args } = parseAsk(payload);
    const found = Object.hasOwn(this.#outside.services, service) ? this.#outside.services[service] : undefined;
    if (found === undefined) {
      const detail = `the function was not granted ${JSON.stringify(service.slice(0, 64))}`;
      this.#writer.message('answer', id, { code: 'refused', detail });
      const asked = this.#outside.use?.denied(service, args) ?? JSON.stringify(service.slice(0, 64));
      const remedy = 'run npx cloudlet trace --learn --allow-net -- …, or add it to cloudlet.json';
      this.#denied(`the function was not granted ${asked}; ${remedy}`);
      return;
    }
    this.#served = true;
    const ask = new HostAsk(id, this.#writer, {
      over: () => void this.#open.delete(id),
      refused: ({ code, message }) => {
        if (DENIALS.has(code)) this.#denied(message);
      },
      failed: (error) => this.#outside.failed(service, error),
    });
    this.#open.set(id, ask);
    void ask.serve(this.#outside.use?.service(service, found) ?? found, args);
  }

  #denied(text: string): void {
    if (this.#told.has(text) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(text);
    this.#tell(text);
  }
}
