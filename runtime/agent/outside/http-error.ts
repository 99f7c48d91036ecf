import { type HttpErrorCode, HttpFailure } from '../../wasi/index.ts';
import { OutsideError } from './outside.ts';

/** Codes that say no more than their name. */
const PLAIN = [
  'DNS-timeout',
  'destination-unavailable',
  'destination-IP-prohibited',
  'destination-IP-unroutable',
  'connection-refused',
  'connection-terminated',
  'connection-timeout',
  'connection-read-timeout',
  'connection-write-timeout',
  'connection-limit-reached',
  'TLS-protocol-error',
  'TLS-certificate-error',
  'HTTP-request-denied',
  'HTTP-request-method-invalid',
  'HTTP-request-URI-invalid',
  'HTTP-request-URI-too-long',
  'HTTP-response-incomplete',
  'HTTP-response-timeout',
  'HTTP-upgrade-failed',
  'HTTP-protocol-error',
] as const;

/** Codes that may say a number, which the host does not. */
const NUMBERED = [
  'HTTP-request-body-size',
  'HTTP-request-header-section-size',
  'HTTP-request-trailer-section-size',
  'HTTP-response-header-section-size',
  'HTTP-response-body-size',
] as const;

/** What the host's refusal of a request means in `wasi:http`. */
export function httpErrorOf(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (!(error instanceof OutsideError)) return new HttpFailure({ tag: 'internal-error', val: String(error) });
  return new HttpFailure(codeOf(error), error.message);
}

function codeOf({ code, message }: OutsideError): HttpErrorCode {
  const plain = PLAIN.find((tag) => tag === code);
  if (plain !== undefined) return { tag: plain };
  const numbered = NUMBERED.find((tag) => tag === code);
  if (numbered !== undefined) return { tag: numbered, val: undefined };
  switch (code) {
    case 'DNS-error':
      return { tag: code, val: { rcode: message } };
    // The function was granted no request at all.
    case 'refused':
      return { tag: 'HTTP-request-denied' };
    // The invocation has ended, or its sandbox.
    case 'forgotten':
      return { tag: 'connection-terminated' };
    case 'too-many':
      return { tag: 'connection-limit-reached' };
    default:
      return { tag: 'internal-error', val: message };
  }
}
