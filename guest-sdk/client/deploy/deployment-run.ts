import type {
  AcceptedDeployment,
  Deployment,
  DeploymentEvent,
  Digest,
  Part,
  WantedParts,
} from '../../protocol/index.ts';
import { type Wait, waited } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import { readWhole } from '../transport.ts';
import { sendBatches } from './batch-sender.ts';
import { followDeployment } from './follow-deployment.ts';
import type { HeldParts } from './held-parts.ts';
import { PartSender } from './part-sender.ts';
import { pathOfParts, type SentAhead } from './sent-ahead.ts';

/** What is told while something is deployed. */
export type DeployNews =
  /** The way that is taken, and what is missing; again after the cloudlet was interrupted. */
  | { readonly kind: 'accepted'; readonly deployment: AcceptedDeployment }
  /** Bytes that were sent, in all, as they go over the link: compressed, what was asked included. */
  | { readonly kind: 'sent'; readonly bytes: number }
  | { readonly kind: 'event'; readonly event: DeploymentEvent }
  /** The end; nothing follows. */
  | { readonly kind: 'ended'; readonly deployment: Deployment; readonly sentBytes: number };

/** A component that the device has beside what it deploys. */
export interface HeldDictionary {
  readonly digest: Digest;
  readonly read: () => Promise<Uint8Array>;
}

/**
 * How long nothing may be on its way while the cloudlet says that it is receiving, milliseconds; then it is asked what it lacks. What it had as this
 * began may be gone or damaged when it comes to it.
 */
const LACKING_MS = 3000;

/** How long events wait for the first part to be on its way, milliseconds. */
const HEAD_START_MS = 250;

/** Sends what is missing now; called again when that may be more. `known`: what is wanted, from an answer that came before. */
interface Sender {
  send(known?: WantedParts): Promise<void>;
}

/** What is sent, and how. */
interface Sends {
  readonly held: HeldParts | undefined;
  /** A component that the cloudlet has, too. */
  readonly shared: HeldDictionary | undefined;
  readonly early: boolean;
  /** What went beside the question. */
  readonly ahead: SentAhead | null;
}

/** Whether bytes are still to come, also of what can be used already. */
function isReceiving({ stage, endedAt }: Deployment): boolean {
  return stage === 'receiving' || (stage === 'ready' && endedAt === null);
}

/** One deployment: its events, and the parts that are sent meanwhile, as one stream of news. */
export class DeploymentRun {
  readonly #host: HostAddress;
  /** The same, for parts: tells when the first request is on its way. */
  readonly #parts: HostAddress;
  readonly #begun = Promise.withResolvers<void>();
  readonly #path: string;
  readonly #sends: Sends;
  readonly #stop = new AbortController();
  readonly #wait: Wait;
  readonly #count: (bytes: number) => number;
  readonly #id: string;
  readonly #missing: readonly Part[];
  readonly #news: DeployNews[] = [];
  #wake: () => void = () => {};
  #failure: { readonly error: unknown } | null = null;
  #over = false;
  #sending: Promise<void> = Promise.resolve();
  #leave: () => void = () => {};
  #isSending = false;
  #isReceiving: boolean;

  constructor(
    host: HostAddress,
    { id, missing }: AcceptedDeployment,
    sends: Sends,
    signal: AbortSignal | undefined,
    wait: Wait,
    count: (bytes: number) => number,
  ) {
    this.#host = host;
    const json: HostAddress['json'] = (schema, request) => {
      const answer = host.json(schema, request);
      this.#begun.resolve();
      return answer;
    };
    this.#parts = { ...host, json };
    this.#id = id;
    this.#path = `/v1/deployments/${encodeURIComponent(id)}`;
    this.#sends = sends;
    this.#wait = wait;
    this.#count = count;
    this.#missing = missing;
    this.#isReceiving = missing.length > 0;
    const { ahead } = sends;
    // One of parts that are here would be refused; what has not gone of it stays here.
    if (ahead !== null && !missing.some(({ digest }) => ahead.digests.has(digest))) ahead.leave();
    ahead?.arrived.then(
      ({ bytes }) => this.#tell({ kind: 'sent', bytes: this.#count(bytes) }),
      () => undefined, // It is asked for.
    );
    if (missing.every(({ digest }) => ahead?.digests.has(digest))) this.#begun.resolve();
    const stop = () => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#leave = () => signal?.removeEventListener('abort', stop);
  }

  async *news(): AsyncGenerator<DeployNews> {
    const { held } = this.#sends;
    const sender = held?.inBatches === true ? this.#batches(held) : this.#sender();
    if (this.#missing.length > 0) this.#send(sender, this.#known());
    await this.#headStart();
    void this.#follow(sender);
    void this.#lack(sender);
    for (;;) {
      const next = this.#news.shift();
      if (next !== undefined) yield next;
      else if (this.#over) return;
      else if (this.#failure !== null) throw this.#failure.error;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  /**
   * The connection that was asked over is free: what is missing goes over it at once, and events wait for a new one. Not for long: a part that is slow to be read
   * must not keep the news away, or the end.
   */
  async #headStart(): Promise<void> {
    const begun = new AbortController();
    const late = waited(HEAD_START_MS, AbortSignal.any([begun.signal, this.#stop.signal])).catch(() => undefined);
    await Promise.race([this.#begun.promise, this.#sending, late]);
    begun.abort();
  }

  /** Ends what goes on; gives the deployment up unless it has ended. */
  async close(isEnded: boolean): Promise<void> {
    this.#leave();
    this.#sends.ahead?.leave();
    this.#stop.abort();
    if (isEnded) return;
    const given = this.#host
      .send({ method: 'DELETE', path: this.#path })
      .then(({ body }) => readWhole(body, 64 * 1024));
    // A cloudlet that cannot be reached gives it up by itself when no part comes.
    await given.catch(() => {});
  }

  #batches(held: HeldParts): Sender {
    return {
      send: async (known) => {
        const { shared, early } = this.#sends;
        const ahead = known === undefined ? undefined : (this.#sends.ahead ?? undefined);
        await sendBatches({
          ...{ host: this.#parts, path: pathOfParts(this.#id), held, missing: known?.wanted ?? null, early, ahead },
          dictionary: shared === undefined ? null : { digest: shared.digest, bytes: await shared.read() },
          ...{ signal: this.#stop.signal, wait: this.#wait },
          sent: (bytes) => this.#tell({ kind: 'sent', bytes: this.#count(bytes) }),
        });
      },
    };
  }

  #sender(): Sender | null {
    const { held } = this.#sends;
    if (held === undefined) return null;
    return new PartSender({
      ...{ host: this.#parts, path: pathOfParts(this.#id), held },
      ...{ signal: this.#stop.signal, wait: this.#wait },
      sent: (bytes) => this.#tell({ kind: 'sent', bytes: this.#count(bytes) }),
    });
  }

  /** One after another: a way that is taken later may want other parts. */
  #send(sender: Sender | null, known?: WantedParts): void {
    if (sender === null) return;
    this.#isSending = true;
    const sending = this.#sending.then(() => sender.send(known)).catch((error: unknown) => this.#fail(error));
    this.#sending = sending;
    void sending.then(() => {
      if (this.#sending === sending) this.#isSending = false;
    });
  }

  /** What is wanted was in the answer that accepted it: no need to ask. */
  #known(): WantedParts {
    return { wanted: this.#missing.map(({ digest }) => digest), missing: this.#missing.length };
  }

  /** Asks now and then what is missing, as long as it should all be there and is not. */
  async #lack(sender: Sender | null): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        await waited(LACKING_MS, signal);
        if (signal.aborted || this.#over) return;
        if (this.#isReceiving && !this.#isSending) this.#send(sender);
      }
    } catch {
      // It was stopped.
    }
  }

  async #follow(sender: Sender | null): Promise<void> {
    try {
      for await (const event of followDeployment(this.#host, this.#id, this.#stop.signal, this.#wait)) {
        this.#tell({ kind: 'event', event });
        if (event.event === 'state') this.#isReceiving = isReceiving(event.data);
        if (event.event === 'rung' && event.data.bytesMissing > 0) this.#send(sender);
      }
      this.#over = true;
      this.#wake();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(news: DeployNews): void {
    this.#news.push(news);
    this.#wake();
  }

  #fail(error: unknown): void {
    // After the end, and after it was given up, what was still on its way may fail.
    if (this.#over) return;
    this.#failure ??= { error };
    this.#wake();
  }
}
