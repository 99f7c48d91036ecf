import type { ByteSink, ByteSource } from '../../wasi/index.ts';

/** The way of one invocation to what its host does for it: stores, network. */
export interface Outside {
  /** Asks for a service by name, such as `keyvalue.get`, with plain data as MessagePack carries it. Never throws. */
  ask(service: string, args: unknown): OutsideCall;
}

/** One thing that was asked of the host. */
export interface OutsideCall {
  /** The host's answer. Rejects with `OutsideError`. */
  readonly answer: Promise<unknown>;
  /** Bytes to the host; `close()` says that no more come. */
  readonly sink: ByteSink;
  /** Bytes from the host. */
  readonly source: ByteSource;
  /** What the host said after its last byte. Rejects with `OutsideError`. */
  readonly end: Promise<unknown>;
  /** The answer and the bytes are not wanted any more. May be called again. */
  forget(): void;
}

/** The host did not do what it was asked. */
export class OutsideError extends Error {
  override readonly name = 'OutsideError';
  /**
   * In the terms of the WASI interface, as the service named it; or of the way to it: `refused` (the function has no such service), `internal`
   * (the host failed), `too-many` (things asked at once), `too-large` (arguments), `invalid` (arguments that are no plain data), `forgotten`.
   */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
