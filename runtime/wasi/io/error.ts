import type { StreamFailure } from '../backend.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { FilesystemErrorCode } from '../filesystem/error-code.ts';
import type { HttpErrorCode } from '../http/error-code.ts';

/** `wasi:io/error`'s resource `error`: why a stream failed. */
export class IoError {
  #context: Context | null;
  readonly #failure: StreamFailure;

  constructor(context: Context, failure: StreamFailure) {
    context.retain();
    this.#context = context;
    this.#failure = failure;
  }

  toDebugString(): string {
    return this.#failure.message;
  }

  /** `wasi:filesystem/types#filesystem-error-code`. */
  static filesystemErrorCode(error: IoError): FilesystemErrorCode | undefined {
    return error.#failure.filesystem;
  }

  /** `wasi:http/types#http-error-code`. */
  static httpErrorCode(error: IoError): HttpErrorCode | undefined {
    return error.#failure.http;
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }
}

/** `wasi:io/streams#stream-error`, as the glue wants it thrown. */
export type StreamError = { readonly tag: 'closed' } | { readonly tag: 'last-operation-failed'; readonly val: IoError };
