import type { ByteSink, ByteSource } from '../wasi/index.ts';

/** What a guest asks of its host. */
export interface OutsideRequest {
  /** As the agent sent them: the sandbox is not trusted, so a service checks them before it uses them. */
  readonly args: unknown;
  /** Bytes from the guest; null from `read` when it sends no more. A service that takes it reads to the end, or closes it, else the request is not over before its invocation. Fails when it is over. */
  readonly source: ByteSource;
  /** Bytes to the guest. A service that takes it closes it when it has no more; `end` does that too. Fails when the request is over. */
  readonly sink: ByteSink;
  /** Aborted when the invocation ends, the guest forgets the request, or the sandbox is lost. */
  readonly signal: AbortSignal;
}

/** What a service says to a request. */
export interface OutsideAnswer {
  /** Plain data, as MessagePack carries it. */
  readonly value: unknown;
  /** Said after the last byte to the guest, such as trailers; resolves with plain data or rejects with an `OutsideRefusal`, which also fails the bytes. */
  readonly end?: Promise<unknown>;
}

/**
 * One thing that a host does for guests. Throws `OutsideRefusal` with a code of the WASI interface that it serves; anything else is reported as a
 * defect. One that goes on with its bytes after it has answered says by `end` how that went, or else handles by itself what they fail with.
 */
export type OutsideService = (request: OutsideRequest) => Promise<OutsideAnswer>;

/** What one function version may ask for, by name, such as `keyvalue.get`. Made from its grant; a name that is not there is refused. */
export type OutsideServices = Readonly<Record<string, OutsideService>>;

/** Why a service does not do what it was asked: `code` is for the guest, in the terms of the WASI interface. */
export class OutsideRefusal extends Error {
  override readonly name = 'OutsideRefusal';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
