import { CreditedSink } from '../credited-sink.ts';
import { CreditedSource } from '../credited-source.ts';
import { WireError } from '../wire-error.ts';
import type { ToInvocation } from '../worker-message.ts';
import { type AnswerMessage, ASK_WINDOW_BYTES, type FinishMessage } from './ask-wire.ts';
import { type OutsideCall, OutsideError } from './outside.ts';

/** What is said to the host of something that was asked. */
export type AskPost =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'forget' };

/** Something that was asked of the host, until it is over: the host has said its last, or the guest wants no more of it. */
export class Ask implements OutsideCall {
  readonly #post: (message: AskPost) => void;
  readonly #answer = Promise.withResolvers<unknown>();
  readonly #end = Promise.withResolvers<unknown>();
  /** Made when they are needed: most of what is asked has no bytes. */
  #sink: CreditedSink | null = null;
  #source: CreditedSource | null = null;
  #answered = false;
  #finished = false;
  #over = false;
  #failure: string | null = null;

  constructor(post: (message: AskPost) => void) {
    this.#post = post;
    // Whoever only looks at one of them must not be ended by the other as an unhandled rejection.
    this.#answer.promise.catch(() => {});
    this.#end.promise.catch(() => {});
  }

  get answer(): Promise<unknown> {
    return this.#answer.promise;
  }

  get end(): Promise<unknown> {
    return this.#end.promise;
  }

  get sink(): CreditedSink {
    if (this.#sink === null) {
      this.#sink = new CreditedSink(
        ASK_WINDOW_BYTES,
        (bytes) => this.#post({ kind: 'body', bytes }),
        () => this.#post({ kind: 'end' }),
      );
      if (this.#over) this.#sink.abandon();
    }
    return this.#sink;
  }

  get source(): CreditedSource {
    if (this.#source === null) {
      this.#source = new CreditedSource(ASK_WINDOW_BYTES, (bytes) => {
        if (!this.#over) this.#post({ kind: 'credit', bytes });
      });
      if (this.#finished) this.#endSource(this.#source);
    }
    return this.#source;
  }

  /** Whether nothing comes or goes any more. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Takes what the host says. `WireError` when it breaks the order. */
  take(message: ToInvocation): void {
    switch (message.kind) {
      case 'body':
        this.source.push(message.bytes);
        break;
      case 'end':
        this.source.end();
        break;
      case 'credit':
        this.sink.credit(message.bytes);
        break;
      case 'answer':
        this.#takeAnswer(message.answer);
        break;
      case 'finish':
        this.#takeFinish(message.finish);
        break;
      case 'forget':
        this.#settle();
        break;
      case 'interrupt':
        break;
      default:
        message satisfies never;
    }
  }

  forget(): void {
    if (this.#over) return;
    this.#post({ kind: 'forget' });
    this.drop('it is not wanted any more');
  }

  /** Ends it without a word to the host. */
  drop(why: string): void {
    this.fail(new OutsideError('forgotten', why));
  }

  /** It comes to nothing. */
  fail(error: OutsideError): void {
    if (this.#over) return;
    this.#failure = error.message;
    this.#answer.reject(error);
    this.#end.reject(error);
    this.#settle();
  }

  #takeAnswer(message: AnswerMessage): void {
    if (this.#answered) throw new WireError('expected one answer to what was asked');
    this.#answered = true;
    if ('code' in message) {
      this.fail(new OutsideError(message.code, message.detail));
      return;
    }
    this.#answer.resolve(message.value);
    if (message.last) this.#takeFinish({ value: null, last: true });
  }

  #takeFinish(message: FinishMessage): void {
    if (!this.#answered) throw new WireError('expected an answer before the end of what was asked');
    if ('code' in message) {
      this.fail(new OutsideError(message.code, message.detail));
      return;
    }
    this.#end.resolve(message.value);
    this.#finish();
    if (message.last) this.#settle();
  }

  /** No more bytes come. */
  #finish(): void {
    this.#finished = true;
    if (this.#source !== null) this.#endSource(this.#source);
  }

  /** No more bytes go. */
  #settle(): void {
    this.#over = true;
    this.#sink?.abandon();
    this.#finish();
  }

  #endSource(source: CreditedSource): void {
    if (this.#failure === null) source.end();
    else source.fail(this.#failure);
  }
}
