import { Body, type BodyInit } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';

export interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit;
}

/** A request to the function. */
export class Request extends Body {
  /** The whole address; `new URL(request.url)` takes it apart. */
  readonly url: string;
  /** In capitals. */
  readonly method: string;
  readonly headers: Headers;

  constructor(url: string, init: RequestInit = {}) {
    super(init.body ?? null);
    this.url = url;
    this.method = init.method ?? 'GET';
    this.headers = new Headers(init.headers);
  }
}
