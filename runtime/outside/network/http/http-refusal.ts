import type { HttpErrorCode } from '../../../wasi/index.ts';
import { OutsideRefusal } from '../../outside-service.ts';
import { asNetworkFailure, type FailureKind } from '../network-failure.ts';

/** A code of `wasi:http/types#error-code`; that of `DNS-error` has its rcode for a message. */
export type HttpRefusalCode = HttpErrorCode['tag'];

/** Says to the guest why its request fails. */
export function httpRefusal(code: HttpRefusalCode, message: string): OutsideRefusal {
  return new OutsideRefusal(code, message);
}

const CODES: Readonly<Record<FailureKind, HttpRefusalCode>> = {
  'name-unknown': 'DNS-error',
  'resolver-failed': 'DNS-error',
  prohibited: 'destination-IP-prohibited',
  refused: 'connection-refused',
  unreachable: 'destination-IP-unroutable',
  timeout: 'connection-timeout',
  reset: 'connection-terminated',
  limit: 'connection-limit-reached',
  'address-in-use': 'destination-unavailable',
  'address-not-bindable': 'destination-unavailable',
  'tls-certificate': 'TLS-certificate-error',
  'tls-protocol': 'TLS-protocol-error',
  aborted: 'connection-terminated',
  failed: 'destination-unavailable',
};

/** What Node threw before or during an exchange, for the guest. */
export function asHttpRefusal(thrown: unknown): OutsideRefusal {
  if (thrown instanceof OutsideRefusal) return thrown;
  const code = (thrown as { readonly code?: unknown }).code;
  if (code === 'HPE_HEADER_OVERFLOW') {
    return httpRefusal('HTTP-response-header-section-size', 'the header of the answer is too large');
  }
  if (typeof code === 'string' && code.startsWith('HPE_')) return httpRefusal('HTTP-protocol-error', code);
  const failure = asNetworkFailure(thrown);
  return httpRefusal(CODES[failure.kind], failure.message);
}
