import { Body, type BodyInit } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';

export interface ResponseInit {
  /** From 200 to 599; 200 by default. */
  readonly status?: number;
  readonly headers?: HeadersInit;
}

/** The function's answer. */
export class Response extends Body {
  readonly status: number;
  readonly headers: Headers;

  /** @throws RangeError for a status that no response can have, TypeError for a body with a status that has none. */
  constructor(body: BodyInit = null, init: ResponseInit = {}) {
    super(body);
    this.status = init.status ?? 200;
    if (!Number.isInteger(this.status) || this.status < 200 || this.status > 599) {
      throw new RangeError(`the status of a response is from 200 to 599, got ${this.status}`);
    }
    if (body !== null && (this.status === 204 || this.status === 205 || this.status === 304)) {
      throw new TypeError(`a response of status ${this.status} has no body`);
    }
    this.headers = new Headers(init.headers);
    if (typeof body === 'string' && !this.headers.has('content-type')) {
      this.headers.set('content-type', 'text/plain;charset=UTF-8');
    }
  }

  /** A value as JSON. */
  static json(value: unknown, init: ResponseInit = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(new TextEncoder().encode(JSON.stringify(value)), { ...init, headers });
  }

  /** Sends the caller elsewhere. */
  static redirect(url: string, status = 302): Response {
    return new Response(null, { status, headers: { location: url } });
  }
}
