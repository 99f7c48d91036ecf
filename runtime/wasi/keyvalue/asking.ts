import type { Context } from '../context.ts';
import { StoreFailure } from '../store-failure.ts';
import { textBytes } from '../text-bytes.ts';
import { untilClosed } from '../until-closed.ts';
import { KEY_BYTES, type KeyValueBackend, VALUE_BYTES } from './key-value-backend.ts';

/** `wasi:keyvalue/store#error`, as the glue wants it thrown. */
export type KeyValueError =
  | { readonly tag: 'no-such-store' }
  | { readonly tag: 'access-denied' }
  | { readonly tag: 'other'; readonly val: string };

/** Asks the backend of the guest's invocation; throws the typed error when it fails, or when nothing was granted. */
export async function askKeyValue<Answer>(
  context: Context,
  work: (backend: KeyValueBackend) => Promise<Answer>,
): Promise<Answer> {
  const backend = context.backend.keyValue;
  if (backend === null) throw { tag: 'access-denied' } satisfies KeyValueError;
  try {
    return await untilClosed(context, work(backend));
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    throw typed(error);
  }
}

/** The typed error `other`. */
export function otherError(val: string): KeyValueError {
  return { tag: 'other', val };
}

/** Refuses a key that is too long, before it is sent anywhere. */
export function checkKey(key: string): void {
  if (textBytes(key, KEY_BYTES) > KEY_BYTES)
    throw otherError(`expected a key of at most ${KEY_BYTES} bytes, got a longer one`);
}

/** Refuses a value that is too long. */
export function checkValue(value: Uint8Array): void {
  if (value.length <= VALUE_BYTES) return;
  throw otherError(
    `expected a value of at most ${VALUE_BYTES} bytes, got ${value.length}; keep larger ones with wasi:blobstore`,
  );
}

function typed({ code, message }: StoreFailure): KeyValueError {
  return code === 'other' ? otherError(message) : { tag: code };
}
