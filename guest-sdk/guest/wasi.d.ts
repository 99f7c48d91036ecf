/** The part of WASI 0.2 that the library uses, as QuickJS shows it: one default export an interface, 64-bit integers as numbers. */

declare module 'wasi:io/poll@0.2.12' {
  export interface Pollable extends Disposable {
    ready(): boolean;
  }
  const poll: { poll(pollables: readonly Pollable[]): readonly number[] };
  export default poll;
}

declare module 'wasi:io/streams@0.2.12' {
  import type { Pollable } from 'wasi:io/poll@0.2.12';
  /** Its methods throw an `Error` whose `payload` is `{ tag: 'closed' }` at the end, `{ tag: 'last-operation-failed' }` on failure. */
  export interface InputStream extends Disposable {
    read(bytes: number): Uint8Array | readonly number[];
    subscribe(): Pollable;
  }
  export interface OutputStream extends Disposable {
    checkWrite(): number;
    write(bytes: Uint8Array): void;
    flush(): void;
    blockingWriteAndFlush(bytes: Uint8Array): void;
    subscribe(): Pollable;
  }
}

declare module 'wasi:clocks/monotonic-clock@0.2.12' {
  import type { Pollable } from 'wasi:io/poll@0.2.12';

  const clock: { subscribeDuration(nanoseconds: number): Pollable };
  export default clock;
}

declare module 'wasi:random/random@0.2.12' {
  const random: { getRandomBytes(bytes: number): Uint8Array | readonly number[] };
  export default random;
}

declare module 'wasi:cli/stdout@0.2.12' {
  import type { OutputStream } from 'wasi:io/streams@0.2.12';

  const stdout: { getStdout(): OutputStream };
  export default stdout;
}

declare module 'wasi:cli/stderr@0.2.12' {
  import type { OutputStream } from 'wasi:io/streams@0.2.12';

  const stderr: { getStderr(): OutputStream };
  export default stderr;
}

declare module 'wasi:http/types@0.2.12' {
  import type { InputStream, OutputStream } from 'wasi:io/streams@0.2.12';
  export interface Fields extends Disposable {
    entries(): [string, Uint8Array | readonly number[]][];
  }
  export interface IncomingBody extends Disposable {
    stream(): InputStream;
  }
  export type Method =
    | { tag: 'other'; val: string }
    | { tag: 'get' | 'head' | 'post' | 'put' | 'delete' | 'connect' | 'options' | 'trace' | 'patch' };
  export interface IncomingRequest extends Disposable {
    method(): Method;
    pathWithQuery(): string | null | undefined;
    scheme(): { tag: 'HTTP' | 'HTTPS' } | { tag: 'other'; val: string } | null | undefined;
    authority(): string | null | undefined;
    headers(): Fields;
    consume(): IncomingBody;
  }
  export interface IncomingResponse extends Disposable {
    status(): number;
    headers(): Fields;
    consume(): IncomingBody;
  }
  export interface OutgoingRequest extends Disposable {
    setMethod(method: Method): void;
    setScheme(scheme: { tag: 'HTTP' | 'HTTPS' }): void;
    setAuthority(authority: string): void;
    setPathWithQuery(path: string): void;
    body(): OutgoingBody;
  }
  export interface OutgoingBody extends Disposable {
    write(): OutputStream;
  }
  export interface OutgoingResponse extends Disposable {
    setStatusCode(status: number): void;
    body(): OutgoingBody;
  }
  export interface ResponseOutparam extends Disposable {}
  const types: {
    Fields: { fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields };
    IncomingBody: { finish(body: IncomingBody): Disposable };
    OutgoingBody: { finish(body: OutgoingBody, trailers: null): void };
    OutgoingRequest: new (headers: Fields) => OutgoingRequest;
    OutgoingResponse: new (headers: Fields) => OutgoingResponse;
    ResponseOutparam: { set(out: ResponseOutparam, response: { tag: 'ok'; val: OutgoingResponse }): void };
  };
  export default types;
}

declare module 'wasi:http/outgoing-handler@0.2.12' {
  import type { IncomingResponse, OutgoingRequest } from 'wasi:http/types@0.2.12';
  import type { Pollable } from 'wasi:io/poll@0.2.12';
  export interface FutureIncomingResponse extends Disposable {
    subscribe(): Pollable;
    /** Nothing before there is an answer; an `err` outside when it was taken already, inside with a code. */
    get():
      | { tag: 'ok'; val: { tag: 'ok'; val: IncomingResponse } | { tag: 'err'; val: unknown } }
      | { tag: 'err' }
      | null
      | undefined;
  }
  const handler: { handle(request: OutgoingRequest, options: undefined): FutureIncomingResponse };
  export default handler;
}
