/** What `wasi:keyvalue` knows to say of a failure; `wasi:blobstore` has only words. */
export type StoreFailureCode = 'no-such-store' | 'access-denied' | 'other';

/** Thrown by a `KeyValueBackend` or `BlobBackend` that does not do what it was asked: the guest gets it as a typed error. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly code: StoreFailureCode;

  constructor(code: StoreFailureCode, message: string) {
    super(message);
    this.code = code;
  }
}
