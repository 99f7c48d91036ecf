import { FIRST_ASK_ID } from '../frame-id.ts';
import { encodeMessage } from '../message-codec.ts';
import type { FromInvocation, ToInvocation } from '../worker-message.ts';
import { Ask, type AskPost } from './ask.ts';
import { ASK_BYTES, type AskMessage, MAX_ASKS } from './ask-wire.ts';
import { type Outside, type OutsideCall, OutsideError } from './outside.ts';

/** Gives ids to what the invocations of one worker ask, each another than those before, so that a late frame finds nobody. */
export class AskIds {
  #next: number;

  constructor(first = FIRST_ASK_ID) {
    this.#next = first;
  }

  next(): number {
    const id = this.#next;
    this.#next = id === 0xffff_ffff ? FIRST_ASK_ID : id + 1;
    return id;
  }
}

/** What one invocation has asked of its host and not heard to the end. */
export class InvocationAsks implements Outside {
  readonly #invocation: number;
  readonly #ids: AskIds;
  readonly #post: (message: FromInvocation) => void;
  /** Made when it is needed: most invocations ask nothing. */
  #open: Map<number, Ask> | null = null;
  #closed = false;

  constructor(invocation: number, ids: AskIds, post: (message: FromInvocation) => void) {
    this.#invocation = invocation;
    this.#ids = ids;
    this.#post = post;
  }

  /** How many are open. */
  get open(): number {
    return this.#open?.size ?? 0;
  }

  ask(service: string, args: unknown): OutsideCall {
    if (this.#closed) return refused('forgotten', 'the invocation has ended');
    if (this.open >= MAX_ASKS) {
      return refused('too-many', `expected at most ${MAX_ASKS} things asked of the host at once, got one more`);
    }
    let payload: Uint8Array;
    try {
      payload = encodeMessage({ invocation: this.#invocation, service, args } satisfies AskMessage);
    } catch (error) {
      return refused('invalid', `expected plain data for ${service}: ${(error as Error).message}`);
    }
    if (payload.length > ASK_BYTES) {
      return refused('too-large', `expected at most ${ASK_BYTES} bytes for ${service}, got ${payload.length}`);
    }
    const id = this.#ids.next();
    const ask = new Ask((message) => this.#say(id, message));
    this.#open ??= new Map();
    this.#open.set(id, ask);
    this.#post({ kind: 'ask', id, payload });
    return ask;
  }

  /** Takes what the host says of one of them, which may be over by now. */
  take(id: number, message: ToInvocation): void {
    const ask = this.#open?.get(id);
    if (ask === undefined) return;
    ask.take(message);
    if (ask.isOver) this.#open!.delete(id);
  }

  /** The invocation ends: nothing is wanted any more. The host knows that by itself. */
  close(): void {
    this.#closed = true;
    const open = this.#open;
    this.#open = null;
    if (open !== null) for (const ask of open.values()) ask.drop('the invocation has ended');
  }

  #say(id: number, message: AskPost): void {
    if (message.kind === 'forget') this.#open?.delete(id);
    if (!this.#closed) this.#post({ ...message, id });
  }
}

/** Something that was not even asked. */
function refused(code: string, sentence: string): OutsideCall {
  const ask = new Ask(() => {});
  ask.fail(new OutsideError(code, sentence));
  return ask;
}
