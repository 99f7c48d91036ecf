import {
  AcceptedDeployment,
  CloudletError,
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequestInput,
  type Digest,
  isEnded,
  isErrorCode,
  MAX_DICTIONARIES,
  type Part,
  type WantedParts,
} from '../../protocol/index.ts';
import { compressed } from '../compression.ts';
import { patiently, type Wait, waited } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import { readWhole } from '../transport.ts';
import { sendBatches } from './batch-sender.ts';
import { followDeployment } from './follow-deployment.ts';
import type { HeldParts } from './held-parts.ts';
import { PartSender } from './part-sender.ts';

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

/** How something is deployed. */
export interface DeployOptions {
  /** What this device can send of it. */
  readonly held?: HeldParts | undefined;
  /** Components to compress with, where the cloudlet has one of them, too. */
  readonly dictionaries?: readonly HeldDictionary[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * How long nothing may be on its way while the cloudlet says that it is receiving, milliseconds; then it is asked what it lacks. What it had as this
 * began may be gone or damaged when it comes to it.
 */
const LACKING_MS = 3000;

/** How often it is asked for anew when the cloudlet is interrupted: a host that is killed again and again has another fault. */
const ATTEMPTS = 5;

/**
 * Has something on a cloudlet: asks, sends the parts that are missing, tells how it goes, up to its one end. Connections that break are made
 * again, and after a restart of the cloudlet only what it has not yet is sent. Whoever leaves before the end gives the deployment up.
 */
export async function* deploy(
  host: HostAddress,
  request: DeploymentRequestInput,
  { held, dictionaries = [], signal }: DeployOptions = {},
  wait: Wait = waited,
): AsyncGenerator<DeployNews> {
  let sentBytes = 0;
  const named = dictionaries.slice(0, MAX_DICTIONARIES).map(({ digest }) => digest);
  const text = JSON.stringify(named.length === 0 ? request : { ...request, dictionaries: named });
  const { bytes: body, encoding } = await compressed(new TextEncoder().encode(text), host.compression);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
  };
  for (let attempt = 1; ; attempt += 1) {
    const ask = async () => {
      sentBytes += body.length;
      return host.json(AcceptedDeployment, { method: 'POST', path: '/v1/deployments', headers, body, signal });
    };
    // The first time an address that nobody answers at is a mistake rather than a break.
    const accepted = attempt === 1 ? await ask() : await patiently(ask, signal, wait);
    const shared = dictionaries.find(({ digest }) => digest === accepted.dictionary);
    const count = (bytes: number) => {
      sentBytes += bytes;
      return sentBytes;
    };
    const run = new Run(
      host,
      accepted,
      { held, shared, early: request.early === true || 'service' in request.want },
      signal,
      wait,
      count,
    );
    let end: Deployment = accepted;
    try {
      yield { kind: 'accepted', deployment: accepted };
      if (!isEnded(accepted)) {
        for await (const news of run.news()) {
          yield news;
          if (news.kind === 'event' && news.event.event === 'state') end = news.event.data;
        }
      }
    } finally {
      await run.close(isEnded(end));
    }
    if (end.problem?.code !== 'interrupted' || attempt === ATTEMPTS) {
      yield { kind: 'ended', deployment: end, sentBytes };
      return;
    }
  }
}

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
}

/** Whether bytes are still to come, also of what can be used already. */
function isReceiving({ stage, endedAt }: Deployment): boolean {
  return stage === 'receiving' || (stage === 'ready' && endedAt === null);
}

/** One deployment: its events, and the parts that are sent meanwhile, as one stream of news. */
class Run {
  readonly #host: HostAddress;
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
    this.#id = id;
    this.#path = `/v1/deployments/${encodeURIComponent(id)}`;
    this.#sends = sends;
    this.#wait = wait;
    this.#count = count;
    this.#missing = missing;
    this.#isReceiving = missing.length > 0;
    const stop = () => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#leave = () => signal?.removeEventListener('abort', stop);
  }

  async *news(): AsyncGenerator<DeployNews> {
    const { held } = this.#sends;
    const sender = held?.inBatches === true ? this.#batches(held) : this.#sender();
    if (this.#missing.length > 0) this.#send(sender, this.#known());
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

  /** Ends what goes on; gives the deployment up unless it has ended. */
  async close(isEnded: boolean): Promise<void> {
    this.#leave();
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
        await sendBatches({
          ...{ host: this.#host, path: `${this.#path}/parts`, held, missing: known?.wanted ?? null, early },
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
      ...{ host: this.#host, path: `${this.#path}/parts`, held },
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

/** How a deployment that ended failed, as an error; null when it is ready. */
export function failureOf({ problem }: Deployment): CloudletError | null {
  if (problem === undefined) return null;
  const { code, detail } = problem;
  return new CloudletError(isErrorCode(code) ? code : 'internal', detail);
}
