import type { BlobBackend } from './blobstore/blob-backend.ts';
import type { FilesystemErrorCode } from './filesystem/error-code.ts';
import type { FileTree } from './filesystem/file-tree.ts';
import type { HttpClient } from './http/client.ts';
import type { HttpErrorCode } from './http/error-code.ts';
import type { KeyValueBackend } from './keyvalue/key-value-backend.ts';
import type { NetworkBackend } from './sockets/network-backend.ts';
import type { UseObserver } from './use-observer.ts';

/** Bytes that arrive over time, read by the guest. */
export interface ByteSource {
  /**
   * The bytes at hand, at most `max` of them: empty when none have come yet, null at the end.
   * The view is only used until the next call. Throws `StreamFailure` when the bytes cannot come any more.
   */
  read(max: number): Uint8Array | null;
  /** Whether `read` would give bytes, the end or an error. */
  readonly ready: boolean;
  /** Resolves when `ready` may have become true; never rejects. */
  wait(): Promise<void>;
  /** The reader is gone: what has not been read is not wanted. May be called again. */
  close(): void;
}

/** Takes bytes over time from the guest, with back-pressure. */
export interface ByteSink {
  /** Bytes that may be written now; 0 means wait. Throws `StreamFailure` when no byte can be taken any more. */
  readonly capacity: number;
  /** Takes at most `capacity` bytes and copies what it keeps. Throws `StreamFailure` when it cannot. */
  write(bytes: Uint8Array): void;
  /** Resolves when `capacity` may have grown; never rejects. */
  wait(): Promise<void>;
  /** Resolves when what was written has been handed on; undefined when it already was. May reject with `StreamFailure`. */
  flush(): Promise<void> | undefined;
  /** No more bytes come. May be called again. */
  close(): void;
}

/** The time a guest sees, and its timers. */
export interface WasiClock {
  /** Milliseconds since 1970, fractions allowed. */
  wallMs(): number;
  /** Nanoseconds since some point in the past; never goes back. */
  monotonicNs(): bigint;
  /** Calls `fire` once, about `ns` nanoseconds from now; earlier is allowed, the caller looks at the clock. Gives a function that cancels. */
  timer(ns: bigint, fire: () => void): () => void;
}

/** What one instance may make the host hold. Each names the harm it prevents. */
export interface WasiLimits {
  /** Resources alive at once (streams, descriptors, fields, pollables ...): each costs host memory. */
  readonly handles: number;
  /** Pollables in one `poll`: each may arm a timer. */
  readonly pollList: number;
  /** Bytes given by one read or asked of one write: they are copied as a whole. */
  readonly transferBytes: number;
  /** Random bytes in one call: the whole list must be made. More is a trap, since WASI allows no short answer. */
  readonly randomBytes: number;
  /** Header or trailer fields in one set. */
  readonly fields: number;
  /** Bytes of names and values in one set of fields. */
  readonly fieldBytes: number;
  /** Body bytes held for a response that has not been set yet. */
  readonly bodyWindowBytes: number;
  /** Bytes that all resources keep together: sets of fields, bodies of responses that are not set. Each has its limit, and there are many. */
  readonly heldBytes: number;
}

/** Limits that fit ordinary programs. */
export const DEFAULT_LIMITS: WasiLimits = {
  handles: 4096,
  pollList: 1024,
  transferBytes: 1024 * 1024,
  randomBytes: 1024 * 1024,
  fields: 256,
  fieldBytes: 64 * 1024,
  bodyWindowBytes: 64 * 1024,
  heldBytes: 16 * 1024 * 1024,
};

/** How much a message of `wasi:logging` matters, the least first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'critical';

/** Everything that one instance of a component is given. Nothing else exists for it. */
export interface WasiBackend {
  readonly environment: readonly (readonly [string, string])[];
  readonly arguments: readonly string[];
  /** Keys and values of `wasi:config`. */
  readonly configuration: readonly (readonly [string, string])[];
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Takes a message of `wasi:logging`, or drops it. Never throws. */
  log(level: LogLevel, context: string, message: string): void;
  readonly clock: WasiClock;
  /** Fills the whole array with unpredictable bytes, anew at each call; the array is at most 64 KiB long. */
  random(bytes: Uint8Array): void;
  /** The files of the guest; null: no preopened directory at all. */
  readonly files: FileTree | null;
  /** What it keeps under keys; null: every bucket is `access-denied`. */
  readonly keyValue: KeyValueBackend | null;
  /** What it keeps as objects in containers; null: every container is denied. */
  readonly blobs: BlobBackend | null;
  /** Where its requests go; null: each is denied. */
  readonly httpClient: HttpClient | null;
  /** Its sockets; null: there are none. */
  readonly network: NetworkBackend | null;
  readonly limits: WasiLimits;
  /** Hears what it uses; nobody when left out. */
  readonly use?: UseObserver | undefined;
}

/** Thrown by a `ByteSource` or `ByteSink` that fails; the guest sees `last-operation-failed` once, then `closed`. */
export class StreamFailure extends Error {
  override readonly name = 'StreamFailure';
  /** What `filesystem-error-code` tells of it. */
  readonly filesystem: FilesystemErrorCode | undefined;
  /** What `http-error-code` tells of it. */
  readonly http: HttpErrorCode | undefined;

  constructor(message: string, codes: { filesystem?: FilesystemErrorCode; http?: HttpErrorCode } = {}) {
    super(message);
    this.filesystem = codes.filesystem;
    this.http = codes.http;
  }
}
