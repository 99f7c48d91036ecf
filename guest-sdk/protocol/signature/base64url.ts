import { decodeBase64, encodeBase64 } from '../value/base64.ts';

/** Base64 for addresses, without padding (RFC 4648, 5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The bytes of canonical base64 for addresses; undefined for any other text. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (/[^A-Za-z0-9_-]/.test(text)) return undefined;
  const padded = `${text}${'='.repeat((4 - (text.length % 4)) % 4)}`;
  return decodeBase64(padded.replaceAll('-', '+').replaceAll('_', '/'));
}
