import type { ClientRequest } from 'node:http';
import type { ByteSource } from '../../../wasi/index.ts';
import { RecordReader } from '../record.ts';
import { httpRefusal } from './http-refusal.ts';
import { TrailerFields } from './http-request.ts';
import { Patience } from './patience.ts';

/** What a request's body may take. */
export interface RequestBodyLimits {
  readonly requestBodyBytes: number;
  /** Until the server takes more. */
  readonly betweenBytesMs: number;
}

/** The body of a request, as records that a guest's agent sends. */
export class RequestBody {
  readonly #source: ByteSource;
  readonly #records: RecordReader;
  readonly #declared: number | null;
  #first: Promise<number | null> | null = null;

  /** `declared`: the length that the header declares. */
  constructor(source: ByteSource, declared: number | null) {
    this.#source = source;
    this.#records = new RecordReader(source);
    this.#declared = declared;
  }

  /** Whether it turns out within a time that the body is empty. */
  async emptyWithin(ms: number): Promise<boolean> {
    this.#first = this.#records.begin();
    const patience = Promise.withResolvers<'later'>();
    const timer = setTimeout(() => patience.resolve('later'), ms);
    try {
      return (await Promise.race([this.#first, patience.promise])) === 0;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The rest is not wanted. */
  close(): void {
    this.#source.close();
  }

  /** Sends body and trailers. Rejects with an `OutsideRefusal` when it cannot be complete: then the request must not be either. */
  async send(message: ClientRequest, limits: RequestBodyLimits): Promise<void> {
    let sent = 0;
    for (;;) {
      const length = await (this.#first ?? this.#records.begin());
      this.#first = null;
      if (length === null) throw truncated();
      if (length === 0) break;
      sent += length;
      if (sent > limits.requestBodyBytes || (this.#declared !== null && sent > this.#declared)) throw wrongSize(sent);
      await this.#sendRecord(message, limits.betweenBytesMs);
    }
    if (this.#declared !== null && sent !== this.#declared) throw wrongSize(sent);
    const trailers = await this.#trailers();
    if (this.#declared === null && trailers.length > 0) message.addTrailers(trailers);
    await new Promise<void>((resolve) => message.end(resolve));
  }

  async #sendRecord(message: ClientRequest, patienceMs: number): Promise<void> {
    for (;;) {
      const piece = await this.#records.more();
      if (piece === null) throw truncated();
      if (piece.length === 0) return;
      // A copy: the view is the channel's, and Node sends later.
      if (!message.write(Buffer.from(piece))) await drained(message, patienceMs);
    }
  }

  async #trailers(): Promise<readonly [string, string][]> {
    const fields = new TrailerFields();
    for (;;) {
      const name = await this.#records.whole(fields.room);
      if (name === null) return fields.entries;
      const value = await this.#records.whole(fields.room);
      if (value === null) throw truncated();
      fields.add(name, value);
    }
  }
}

/** Resolves when a request takes more. Rejects when it does not in time, or never will. */
function drained(message: ClientRequest, patienceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      patience.end();
      message.off('drain', more).off('close', closed);
      then();
    };
    const patience = new Patience(() =>
      settle(() =>
        reject(httpRefusal('connection-write-timeout', `the server took nothing of the body for ${patienceMs} ms`)),
      ),
    );
    const more = () => settle(resolve);
    const closed = () =>
      settle(() => reject(httpRefusal('connection-terminated', 'the connection ended within the request')));
    message.once('drain', more).once('close', closed);
    patience.begin(patienceMs);
    if (message.destroyed) closed();
  });
}

const truncated = () => httpRefusal('connection-terminated', 'the guest did not finish the body of its request');
const wrongSize = (bytes: number) =>
  httpRefusal(
    'HTTP-request-body-size',
    `the body of the request has ${bytes} bytes, which its header or a limit does not allow`,
  );
