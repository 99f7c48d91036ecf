import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SpanCounts } from '../metrics.ts';

/** Where spans are sent. */
export interface SpanExporterOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly timeoutMs: number;
  readonly queueSpans: number;
  readonly batchSpans: number;
  readonly delayMs: number;
  /** Hears, once, that spans are not taken, until they are again; and at the end, how many were dropped. */
  readonly troubled: (sentence: string) => void;
  readonly fetch?: typeof fetch;
  /** Calls back once after so many milliseconds; gives what cancels it. */
  readonly after?: (ms: number, callback: () => void) => () => void;
}

/** Something that becomes spans: late, when it is sent, so that whom it is about does not wait for it. */
export interface SpanSource {
  readonly spans: number;
  readonly make: () => readonly unknown[];
}

/** Answers after which the same request may be taken later, by the rules of OTLP. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** How long to wait before each further try, milliseconds, where the collector does not say; then a batch is dropped. */
const RETRY_MS: readonly number[] = [1000, 2000, 4000];
/** The longest that a collector may have us wait, milliseconds. */
const MAX_RETRY_MS = 30_000;

/** What came of a request: taken, or not; then whether, and after how long, another try makes sense. */
type Outcome =
  | { readonly kind: 'taken'; readonly rejected: number }
  | { readonly kind: 'refused'; readonly why: string; readonly retryMs: number | null };

/**
 * Sends spans in batches, one request at a time. Adding is a push to a list: it never waits and never fails. What comes faster than it
 * goes is dropped and counted.
 */
export class SpanExporter {
  readonly #options: Required<SpanExporterOptions>;
  readonly #wrap: (spans: readonly unknown[]) => unknown;
  #queue: SpanSource[] = [];
  #queued = 0;
  /** In the request that is under way, or waits for another try. */
  #underWay = 0;
  #exported = 0;
  #dropped = 0;
  #sending: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;
  #isTaken = true;
  readonly #closing = new AbortController();

  /** `wrap` puts spans into the body of a request. */
  constructor(options: SpanExporterOptions, wrap: (spans: readonly unknown[]) => unknown) {
    this.#options = { fetch, after, ...options };
    this.#wrap = wrap;
  }

  get counts(): SpanCounts {
    return { exported: this.#exported, dropped: this.#dropped };
  }

  add(source: SpanSource): void {
    const { queueSpans, batchSpans, delayMs } = this.#options;
    if (this.#queued + source.spans > queueSpans) {
      this.#dropped += source.spans;
      return;
    }
    this.#queue.push(source);
    this.#queued += source.spans;
    if (this.#sending !== null) return;
    if (this.#queued >= batchSpans) this.#schedule(0);
    else if (this.#cancelTimer === null) this.#schedule(delayMs);
  }

  /** Sends what waits, for at most so long; what could not be sent by then is dropped, which is told. */
  async close(withinMs: number): Promise<void> {
    this.#cancelTimer?.();
    const late = Promise.withResolvers<void>();
    let lost = 0;
    const cancel = this.#options.after(withinMs, () => {
      lost = this.#queued + this.#underWay;
      this.#closing.abort(new Error('the host ends'));
      late.resolve();
    });
    await Promise.race([this.#sendAll(), late.promise]);
    cancel();
    this.#closing.abort();
    this.#queue = [];
    this.#queued = 0;
    if (lost === 0) return;
    this.#dropped += lost;
    const { url, troubled } = this.#options;
    troubled(`${new URL(url).origin} did not take the last ${lost} spans within ${withinMs} ms: they are dropped`);
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.after(ms, () => {
      this.#cancelTimer = null;
      void this.#sendAll();
    });
  }

  #sendAll(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closing.signal.aborted) await this.#sendBatch(this.#takeBatch());
  }

  #takeBatch(): readonly unknown[] {
    let spans = 0;
    let count = 0;
    while (
      count < this.#queue.length &&
      (count === 0 || spans + this.#queue[count]!.spans <= this.#options.batchSpans)
    ) {
      spans += this.#queue[count]!.spans;
      count += 1;
    }
    const taken = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#queued -= spans;
    return taken.flatMap((source) => source.make());
  }

  async #sendBatch(spans: readonly unknown[]): Promise<void> {
    this.#underWay = spans.length;
    await this.#sendUntilTaken(spans);
    this.#underWay = 0;
  }

  /** By as many tries as make sense; then they are dropped. */
  async #sendUntilTaken(spans: readonly unknown[]): Promise<void> {
    const json = Buffer.from(JSON.stringify(this.#wrap(spans)));
    const body = this.#options.gzip ? await promisify(gzip)(json) : json;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#post(body);
      if (outcome.kind === 'taken') {
        this.#isTaken = true;
        const rejected = Math.min(spans.length, outcome.rejected);
        this.#exported += spans.length - rejected;
        this.#dropped += rejected;
        return;
      }
      this.#tell(outcome.why);
      const { retryMs } = outcome;
      if (
        retryMs === null ||
        attempt === RETRY_MS.length ||
        !(await this.#wait(Math.max(retryMs, RETRY_MS[attempt]!)))
      ) {
        // Whoever closes has counted them.
        if (!this.#closing.signal.aborted) this.#dropped += spans.length;
        return;
      }
    }
  }

  async #post(body: Uint8Array): Promise<Outcome> {
    const { url, headers, timeoutMs } = this.#options;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]);
    const encoding = this.#options.gzip ? { 'content-encoding': 'gzip' } : {};
    try {
      const response = await this.#options.fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', ...encoding },
        body: body as Uint8Array<ArrayBuffer>,
        redirect: 'error',
        signal,
      });
      if (response.ok) return { kind: 'taken', rejected: await rejectedSpans(response) };
      await response.body?.cancel();
      const retryMs = RETRYABLE.has(response.status) ? retryAfterMs(response.headers.get('retry-after')) : null;
      return { kind: 'refused', why: `status ${response.status}`, retryMs };
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: unknown } };
      return { kind: 'refused', why: String(cause?.code ?? (error as Error).message), retryMs: 0 };
    }
  }

  /** Not the whole address: what is behind the origin may name an account. */
  #tell(why: string): void {
    if (!this.#isTaken || this.#closing.signal.aborted) return;
    this.#isTaken = false;
    this.#options.troubled(
      `spans are not taken by ${new URL(this.#options.url).origin}: ${why}; those that do not fit are dropped`,
    );
  }

  /** False when the exporter closes meanwhile. */
  #wait(ms: number): Promise<boolean> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const stop = (): void => {
        cancel();
        resolve(false);
      };
      const cancel = this.#options.after(ms, () => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      });
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

function retryAfterMs(text: string | null): number {
  return text !== null && /^\d{1,6}$/.test(text) ? Math.min(MAX_RETRY_MS, Number(text) * 1000) : 0;
}

/** Longest answer of a collector that is read, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** How many spans a collector took the request without; 0 when it says nothing that can be read. */
async function rejectedSpans(response: Response): Promise<number> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) return 0;
  }
  try {
    const { partialSuccess } = JSON.parse(text) as { readonly partialSuccess?: { readonly rejectedSpans?: unknown } };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0; // The spans were taken, whatever else it says.
  }
}
