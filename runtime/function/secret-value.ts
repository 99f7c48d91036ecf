import * as v from 'valibot';
import { CloudletError, SecretName } from '../../guest-sdk/protocol/index.ts';

/** Longest value of a secret, bytes. */
export const MAX_SECRET_BYTES = 64 * 1024;

/** Checks what came as a secret: it becomes a variable of an environment. The error never quotes the value. */
export function parseSecret(key: string, value: Uint8Array): [key: string, value: string] {
  const refuse = (sentence: string, cause?: unknown) => new CloudletError('request-invalid', sentence, { cause });
  if (!v.is(SecretName, key)) {
    throw refuse(
      `expected a name of a secret of letters, digits, "_", "." and "-", at most 64, got ${JSON.stringify(`${key}`.slice(0, 80))}`,
    );
  }
  if (value.length > MAX_SECRET_BYTES)
    throw refuse(`expected a secret of at most ${MAX_SECRET_BYTES} bytes, got ${value.length}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch (error) {
    throw refuse('expected a secret in UTF-8, got bytes that are not; encode it, in base64 for instance', error);
  }
  if (text.includes('\0')) throw refuse('expected a secret without NUL, got one with it');
  return [key, text];
}
