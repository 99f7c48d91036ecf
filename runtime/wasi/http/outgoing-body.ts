import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';
import { OutputStream } from '../io/output-stream.ts';
import type { BodyPipe } from './body-pipe.ts';
import type { Fields } from './fields.ts';

/** `wasi:http/types`'s resource `outgoing-body`. Dropped unfinished it is a truncated body. */
export class OutgoingBody {
  readonly #context: Context;
  readonly #pipe: BodyPipe;
  #stream: OutputStream | null = null;
  #dropped = false;

  constructor(context: Context, pipe: BodyPipe) {
    context.retain();
    this.#context = context;
    this.#pipe = pipe;
  }

  write(): OutputStream {
    if (this.#stream !== null) throw undefined;
    this.#stream = new OutputStream(this.#context, this.#pipe);
    return this.#stream;
  }

  /** `[static]outgoing-body.finish`. */
  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    const entries = trailers?.entries() ?? [];
    trailers?.[DISPOSE]();
    body.#end();
    const error = body.#pipe.finish(entries);
    if (error !== undefined) throw error;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#end();
    this.#pipe.truncate('the guest dropped the body before it finished it');
  }

  #end(): void {
    if (this.#stream !== null && !this.#stream.dropped) {
      throw new GuestTrap('the stream of an outgoing body must be dropped before the body');
    }
    this.#dropped = true;
    this.#context.release();
  }
}
