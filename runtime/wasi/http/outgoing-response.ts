import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { BodyPipe } from './body-pipe.ts';
import { declaredLength, type FieldEntry } from './field.ts';
import type { Fields } from './fields.ts';
import { OutgoingBody } from './outgoing-body.ts';

/** What a guest's response holds when it is set. */
export interface SetResponse {
  readonly status: number;
  readonly headers: readonly FieldEntry[];
  /** Null: the guest never asked for the body; it is empty. */
  readonly pipe: BodyPipe | null;
  /** The length that the headers declare: null when none, undefined when they contradict themselves. */
  readonly declared: number | null | undefined;
}

/** `wasi:http/types`'s resource `outgoing-response`. */
export class OutgoingResponse {
  readonly #context: Context;
  readonly #headers: Fields;
  readonly #declared: number | null | undefined;
  #status = 200;
  #pipe: BodyPipe | null = null;
  #dropped = false;

  constructor(headers: Fields) {
    this.#context = headers.context;
    this.#context.retain();
    this.#headers = headers;
    this.#declared = declaredLength(headers.entries());
  }

  statusCode(): number {
    return this.#status;
  }

  /** Informational statuses (below 200) are refused: a final response cannot have one. Above 599 there are none, and HTTP libraries disagree. */
  setStatusCode(status: number): void {
    if (status < 200 || status > 599) throw undefined;
    this.#status = status;
  }

  headers(): Fields {
    return this.#headers.frozen();
  }

  body(): OutgoingBody {
    if (this.#pipe !== null) throw undefined;
    this.#context.hold(this.#context.backend.limits.bodyWindowBytes);
    this.#pipe = new BodyPipe(this.#context.backend.limits.bodyWindowBytes, this.#declared ?? null);
    return new OutgoingBody(this.#context, this.#pipe);
  }

  /** Takes the response from the guest. */
  static take(response: OutgoingResponse): SetResponse {
    const headers = response.#headers.entries();
    response[DISPOSE]();
    return { status: response.#status, headers, pipe: response.#pipe, declared: response.#declared };
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#headers[DISPOSE]();
    if (this.#pipe !== null) this.#context.letGo(this.#context.backend.limits.bodyWindowBytes);
    this.#context.release();
  }
}
