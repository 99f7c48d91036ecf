/** A `stream<u8>` of the guest as the glue lifts it: nothing moves before it is read. */
export interface GuestStream {
  /** At most `count` bytes as soon as there are any; `done` when the guest has dropped its end. */
  read(options: { readonly count: number }): GuestBytes | Promise<GuestBytes>;
  /** The reader is gone: what the guest writes from now on, it keeps. */
  [Symbol.dispose](): void;
}

/** What one read gives. */
export interface GuestBytes {
  readonly value?: Uint8Array | undefined;
  readonly done?: boolean | undefined;
}

/** A `future` as the glue lifts it: it is read when somebody waits for it. */
export type GuestFuture<T> = PromiseLike<T>;

/** `result<T, E>` in the shape that the glue uses. */
export type WitResult<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };

/** A good end that carries nothing. */
export const OK: WitResult<undefined, never> = { tag: 'ok', val: undefined };

/** Most bytes that are moved in one step. */
export const STEP_BYTES = 64 * 1024;
