import type { ByteSource } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import type { HttpErrorCode } from '../../http/error-code.ts';
import type { FieldEntry } from '../../http/field.ts';
import { type GuestFuture, type GuestStream, OK, type WitResult } from '../stream/guest-stream.ts';
import { SourceStream } from '../stream/source-stream.ts';
import { Fields3 } from './fields.ts';

/** `result<option<trailers>, error-code>`. */
export type TrailersResult = WitResult<Fields3 | undefined, HttpErrorCode>;

/** `result<_, error-code>`: how the transmission of a message ended. */
export type SentResult = WitResult<undefined, HttpErrorCode>;

const TERMINATED: HttpErrorCode = { tag: 'connection-terminated' };
const UNSENT: SentResult = { tag: 'err', val: TERMINATED };

/** The body of a request or response with its trailers: of a guest, or of a peer whose bytes come as a `ByteSource`. Used once. */
export class MessageBody {
  readonly contents: GuestStream | null;
  readonly trailers: GuestFuture<TrailersResult>;
  readonly #sent: (result: SentResult | PromiseLike<SentResult>) => void;
  #used = false;

  private constructor(
    contents: GuestStream | null,
    trailers: GuestFuture<TrailersResult>,
    sent: (result: SentResult | PromiseLike<SentResult>) => void,
  ) {
    this.contents = contents;
    this.trailers = trailers;
    this.#sent = sent;
  }

  /** What a guest gives, and the future by which it learns how the transmission ended. */
  static ofGuest(
    contents: GuestStream | undefined,
    trailers: GuestFuture<TrailersResult>,
  ): [MessageBody, Promise<SentResult>] {
    const { promise, resolve } = Promise.withResolvers<SentResult>();
    return [new MessageBody(contents ?? null, trailers, resolve), promise];
  }

  /** What a peer sends; `trailers` gives them once the body is at its end, without it there are none. */
  static ofPeer(
    context: Context,
    source: ByteSource,
    trailers: (() => Promise<readonly FieldEntry[]>) | undefined,
  ): MessageBody {
    const { promise: ended, resolve: end } = Promise.withResolvers<HttpErrorCode | null>();
    const contents = new SourceStream(context, source, (failure) =>
      end(failure === null ? null : (failure.http ?? TERMINATED)),
    );
    return new MessageBody(contents, new PeerTrailers(context, ended, trailers), () => {});
  }

  /** `consume-body`: the guest reads it itself, and says by `result` how that went. */
  consume(result: GuestFuture<SentResult>): [GuestStream | AsyncIterable<Uint8Array>, GuestFuture<TrailersResult>] {
    this.#used = true;
    this.#sent(Promise.resolve(result).catch(() => UNSENT));
    return [this.contents ?? nothing(), this.trailers];
  }

  /** It is being transmitted: `settle` says how that ended. */
  transmit(): void {
    this.#used = true;
  }

  /** All of it went through, its trailers too. */
  settle(result: HttpErrorCode | undefined): void {
    this.#sent(result === undefined ? OK : { tag: 'err', val: result });
  }

  /** It does not go through, for this reason. */
  fail(code: HttpErrorCode): void {
    this.contents?.[DISPOSE]();
    // Read, since it cannot be dropped: who writes it would wait for ever.
    this.trailers.then(
      (trailers) => trailers.val !== undefined && DISPOSE in trailers.val && trailers.val[DISPOSE](),
      () => {},
    );
    this.#sent({ tag: 'err', val: code });
  }

  /** Its message was dropped. */
  drop(): void {
    if (this.#used) return;
    this.#used = true;
    this.fail(TERMINATED);
  }
}

/** The trailers of a peer. Made a resource of the guest only when that reads its future. */
class PeerTrailers implements PromiseLike<TrailersResult> {
  readonly #context: Context;
  readonly #ended: Promise<HttpErrorCode | null>;
  readonly #trailers: (() => Promise<readonly FieldEntry[]>) | undefined;

  constructor(
    context: Context,
    ended: Promise<HttpErrorCode | null>,
    trailers: (() => Promise<readonly FieldEntry[]>) | undefined,
  ) {
    this.#context = context;
    this.#ended = ended;
    this.#trailers = trailers;
  }

  // biome-ignore lint/suspicious/noThenProperty: the glue takes anything that has it for a future.
  then<A = TrailersResult, B = never>(
    resolve?: ((result: TrailersResult) => A | PromiseLike<A>) | null,
    reject?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#read().then(resolve, reject);
  }

  async #read(): Promise<TrailersResult> {
    const error = await this.#ended;
    if (error !== null) return { tag: 'err', val: error };
    if (this.#trailers === undefined) return OK;
    try {
      const entries = await this.#trailers();
      return { tag: 'ok', val: entries.length === 0 ? undefined : Fields3.received(this.#context, entries) };
    } catch {
      // However it failed: the peer is gone.
      return { tag: 'err', val: TERMINATED };
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
