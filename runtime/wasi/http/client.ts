import type { ByteSink, ByteSource } from '../backend.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { FieldEntry } from './field.ts';

/** Sends the requests of one invocation to other computers, as far as its function was granted that. */
export interface HttpClient {
  /** Begins a request. Never throws: what is wrong is told by the response. */
  send(request: HttpClientRequest): HttpClientCall;
}

/** A request that a guest sends. */
export interface HttpClientRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** Path with query, never empty. */
  readonly path: string;
  readonly headers: readonly FieldEntry[];
  /** Whether a body comes. */
  readonly body: boolean;
  /** Milliseconds; null where the guest does not mind. */
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly betweenBytesMs: number | null;
}

/** A request on its way. */
export interface HttpClientCall {
  /** Resolves when the head of the response has come. Rejects with `HttpFailure`. */
  readonly response: Promise<HttpClientResponse>;
  /** Takes the body of the request; its `close` says nothing. */
  readonly body: ByteSink;
  /** The body is complete. */
  finish(trailers: readonly FieldEntry[]): void;
  /** The request is not wanted any more, or will never be complete. May be called again. */
  forget(): void;
  /** Resolves when nothing of it is under way any more. Never rejects. */
  readonly settled: Promise<void>;
}

/** A response that another computer gave. */
export interface HttpClientResponse {
  readonly status: number;
  readonly headers: readonly FieldEntry[];
  /** Fails with a `StreamFailure` that has a code of HTTP when it cannot be complete. */
  readonly body: ByteSource;
  /** The trailers, once the body is at its end. Rejects with `HttpFailure`. */
  readonly trailers: () => Promise<readonly FieldEntry[]>;
}

/** Why a request has no response. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string = code.tag) {
    super(message);
    this.code = code;
  }
}

/** The code for whatever ended a request. */
export function httpErrorCodeOf(error: unknown): HttpErrorCode {
  if (error instanceof HttpFailure) return error.code;
  return { tag: 'internal-error', val: error instanceof Error ? error.message : String(error) };
}
