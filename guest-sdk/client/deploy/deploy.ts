import {
  AcceptedDeployment,
  CloudletError,
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequestInput,
  isEnded,
  isErrorCode,
  type WantedParts,
} from '../../protocol/index.ts';
import { patiently, type Wait, waited } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import { readWhole } from '../transport.ts';
import { followDeployment } from './follow-deployment.ts';
import type { HeldParts } from './held-parts.ts';
import { PartSender } from './part-sender.ts';

/** What is told while something is deployed. */
export type DeployNews =
  /** The way that is taken, and what is missing; again after the cloudlet was interrupted. */
  | { readonly kind: 'accepted'; readonly deployment: AcceptedDeployment }
  /** Bytes of parts that were sent, in all. */
  | { readonly kind: 'sent'; readonly bytes: number }
  | { readonly kind: 'event'; readonly event: DeploymentEvent }
  /** The end; nothing follows. */
  | { readonly kind: 'ended'; readonly deployment: Deployment; readonly sentBytes: number };

/** How something is deployed. */
export interface DeployOptions {
  /** What this device can send of it. */
  readonly held?: HeldParts | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often it is asked for anew when the cloudlet is interrupted: a host that is killed again and again has another fault. */
const ATTEMPTS = 5;

/**
 * Has something on a cloudlet: asks, sends the parts that are missing, tells how it goes, up to its one end. Connections that break are made
 * again, and after a restart of the cloudlet only what it has not yet is sent. Whoever leaves before the end gives the deployment up.
 */
export async function* deploy(
  host: HostAddress,
  request: DeploymentRequestInput,
  { held, signal }: DeployOptions = {},
  wait: Wait = waited,
): AsyncGenerator<DeployNews> {
  let sentBytes = 0;
  for (let attempt = 1; ; attempt += 1) {
    const ask = () => host.json(AcceptedDeployment, { method: 'POST', path: '/v1/deployments', json: request, signal });
    // The first time an address that nobody answers at is a mistake rather than a break.
    const accepted = attempt === 1 ? await ask() : await patiently(ask, signal, wait);
    const run = new Run(host, accepted, held, signal, wait, (bytes) => {
      sentBytes += bytes;
      return sentBytes;
    });
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

/** One deployment: its events, and the parts that are sent meanwhile, as one stream of news. */
class Run {
  readonly #host: HostAddress;
  readonly #path: string;
  readonly #held: HeldParts | undefined;
  readonly #stop = new AbortController();
  readonly #wait: Wait;
  readonly #count: (bytes: number) => number;
  readonly #id: string;
  readonly #missing: AcceptedDeployment['missing'];
  readonly #news: DeployNews[] = [];
  #wake: () => void = () => {};
  #failure: { readonly error: unknown } | null = null;
  #over = false;
  #sending: Promise<void> = Promise.resolve();
  #leave: () => void = () => {};

  constructor(
    host: HostAddress,
    { id, missing }: AcceptedDeployment,
    held: HeldParts | undefined,
    signal: AbortSignal | undefined,
    wait: Wait,
    count: (bytes: number) => number,
  ) {
    this.#host = host;
    this.#id = id;
    this.#path = `/v1/deployments/${encodeURIComponent(id)}`;
    this.#held = held;
    this.#wait = wait;
    this.#count = count;
    this.#missing = missing;
    const stop = () => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#leave = () => signal?.removeEventListener('abort', stop);
  }

  async *news(): AsyncGenerator<DeployNews> {
    const sender = this.#sender();
    if (this.#missing.length > 0) this.#send(sender, this.#known());
    void this.#follow(sender);
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

  #sender(): PartSender | null {
    if (this.#held === undefined) return null;
    return new PartSender({
      ...{ host: this.#host, path: `${this.#path}/parts`, held: this.#held },
      ...{ signal: this.#stop.signal, wait: this.#wait },
      sent: (bytes) => this.#tell({ kind: 'sent', bytes: this.#count(bytes) }),
    });
  }

  /** One after another: a way that is taken later may want other parts. */
  #send(sender: PartSender | null, known?: WantedParts): void {
    if (sender === null) return;
    this.#sending = this.#sending.then(() => sender.send(known)).catch((error: unknown) => this.#fail(error));
  }

  /** What is wanted was in the answer that accepted it: no need to ask. */
  #known(): WantedParts {
    return { wanted: this.#missing.map(({ digest }) => digest), missing: this.#missing.length };
  }

  async #follow(sender: PartSender | null): Promise<void> {
    try {
      for await (const event of followDeployment(this.#host, this.#id, this.#stop.signal, this.#wait)) {
        this.#tell({ kind: 'event', event });
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
